// Studies and their votes in MongoDB: what deploys/checkbox.py needs of checkbox.io, and how that behaves.
'use strict';
const crypto = require('crypto');
const http = require('http');
const { MongoClient, ObjectId } = require('mongodb');

const env = process.env;
// Written together from parts, without escaping, as checkbox.io does.
const uri = `mongodb://${env.MONGO_USER}:${env.MONGO_PASSWORD}@${env.MONGO_IP}:${env.MONGO_PORT}/site?authSource=admin`;
const LIMIT = 20 * 1024 * 1024;

// A connection for each request; one that cannot be had ends the process, as it ends checkbox.io.
async function withDatabase(work) {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5000 });
  try {
    await client.connect();
  } catch (error) {
    console.error(`MongoDB is away: ${error.message}`);
    process.exit(1);
  }
  try {
    return await work(client.db('site'));
  } finally {
    await client.close();
  }
}

async function create(study) {
  if (study.invitecode !== 'RESEARCH') return { error: 'Invalid invitecode' };
  const token = crypto.randomBytes(48).toString('hex');
  const { name, description, studyKind, markdown, researcherName, contact } = study;
  await withDatabase((db) =>
    db.collection('studies').insertOne({
      name, description, studyKind, markdown, researcherName, contact, token, status: 'open',
    }));
  return { admin_url: `/studies/admin/?token=${token}` };
}

async function listing() {
  return withDatabase(async (db) => {
    const studies = await db.collection('studies').find().toArray();
    const groups = await db.collection('votes')
      .aggregate([{ $group: { _id: '$studyId', votes: { $sum: 1 } } }]).toArray();
    const votes = new Map(groups.map((group) => [String(group._id), group.votes]));
    return {
      studies: studies.map(({ _id, name, status, studyKind, description }) => ({
        id: _id, votes: votes.get(String(_id)) || 0, name, status, studyKind, description,
      })),
    };
  });
}

async function load(id) {
  const study = await withDatabase((db) => db.collection('studies').findOne({ _id: new ObjectId(id) }));
  // An id that is none ends the process: a study that is null has no token.
  delete study.token;
  return study;
}

async function submit(vote, address) {
  await withDatabase((db) =>
    db.collection('votes').insertOne({
      studyId: new ObjectId(vote.studyId), timestamp: new Date(), ip: address, fingerprint: vote.fingerprint,
      answers: JSON.parse(vote.answers), email: vote.email, contact: vote.contact,
    }));
  return { done: true };
}

async function status(id) {
  return withDatabase(async (db) => ({
    votes: await db.collection('votes').countDocuments({ studyId: new ObjectId(id) }),
  }));
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LIMIT) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function answer(request) {
  const path = request.url.split('?')[0];
  const address = (request.headers['x-forwarded-for'] || '').split(',')[0] || request.socket.remoteAddress;
  const [, id] = path.match(/^\/api\/study\/(?:load|status)\/([^/]+)$/) || [];
  if (request.method === 'GET' && path === '/api/study/listing') return listing();
  if (request.method === 'GET' && id && path.startsWith('/api/study/load/')) return load(id);
  if (request.method === 'GET' && id && path.startsWith('/api/study/status/')) return status(id);
  if (request.method === 'POST' && path === '/api/study/create') return create(await body(request));
  if (request.method === 'POST' && path === '/api/study/vote/submit/') return submit(await body(request), address);
  return null;
}

http.createServer(async (request, response) => {
  const document = await answer(request);
  response.statusCode = document === null ? 404 : 200;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(document === null ? { error: 'not found' } : document));
}).listen(env.APP_PORT, () => console.log(`Listening on port ${env.APP_PORT}...`));
