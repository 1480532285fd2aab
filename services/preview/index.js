'use strict';
// POST /preview {"markdown": "..."} -> {"preview": "<html>"}

const http = require('node:http');
const { preview } = require('./preview');

const PORT = Number(process.env.PORT || 3000);
const LIMIT = 1024 * 1024; // bytes of a request body

class BadRequest extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LIMIT) throw new BadRequest(413, `the body is larger than ${LIMIT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readMarkdown(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequest(400, 'the body is not JSON');
  }
  if (body === null || typeof body.markdown !== 'string') {
    throw new BadRequest(400, 'the body needs a string named "markdown"');
  }
  return body.markdown;
}

function answer(response, status, value) {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function handle(request, response) {
  const path = request.url.split('?', 1)[0];
  if (path !== '/preview') throw new BadRequest(404, 'the only page here is POST /preview');
  if (request.method !== 'POST') throw new BadRequest(405, 'use POST');
  const markdown = readMarkdown(await readBody(request));
  answer(response, 200, { preview: preview(markdown) });
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    if (!(error instanceof BadRequest)) console.error(error);
    if (error.status === 413) response.setHeader('Connection', 'close'); // the rest is not worth reading
    if (!response.headersSent) answer(response, error.status || 500, { error: error.message });
  });
});

server.listen(PORT, () => console.log(`preview listening on http://localhost:${PORT}/preview`));

process.on('SIGTERM', () => {
  server.close(() => process.exit(0)); // answers what is under way, takes nothing new
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), 5000).unref(); // a client that never finishes does not hold the service
});
