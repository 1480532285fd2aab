'use strict';
// A survey in Markdown -> HTML: contents, questions, word counts, and questions that look alike.

const { Marked } = require('marked');
const { alike } = require('./alike');

function escape(text) {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escape(text), // an author's HTML is shown, never run
    link({ href, tokens }) {
      const label = this.parser.parseInline(tokens);
      return /^(https?:|mailto:|#)/i.test(href) ? `<a href="${escape(href)}">${label}</a>` : label;
    },
    image: ({ text }) => escape(text),
  },
});

// A survey may begin with options, `{NumberQuestions:true}` and a line of dashes.
function splitOptions(markdown) {
  const match = /^\s*\{([^{}\n]*)\}[ \t]*\r?\n-{3,}[ \t]*\r?\n/.exec(markdown);
  if (!match) return { numbered: false, body: markdown };
  return { numbered: /NumberQuestions\s*:\s*true/.test(match[1]), body: markdown.slice(match[0].length) };
}

function slug(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
}

function countWords(text) {
  return (text.match(/[\p{L}\p{N}'-]+/gu) || []).length;
}

// What a participant reads, by kind: only a question can be a copy of a question, a choice of a choice.
function collectTexts(tokens) {
  const questions = [];
  const choices = [];
  const rows = [];
  for (const token of tokens) {
    if (token.type === 'heading' && token.depth === 3) questions.push(token.text);
    if (token.type === 'list') choices.push(...token.items.map((item) => item.text));
    if (token.type === 'table') rows.push(...token.rows.map((row) => row[0].text));
  }
  return [questions, choices, rows];
}

function renderQuestions(tokens, numbered) {
  const contents = [];
  const parts = [];
  let question = 0;
  for (const token of tokens) {
    if (token.type === 'heading' && token.depth === 3) {
      question += 1;
      const title = escape(numbered ? `${question}. ${token.text}` : token.text);
      const id = `${question}-${slug(token.text)}`;
      contents.push(`<li><a href="#${id}">${title}</a></li>`);
      parts.push(`<h3 id="${id}">${title}</h3>\n`);
    } else {
      parts.push(marked.parser([token]));
    }
  }
  return { contents, html: parts.join('') };
}

function preview(markdown) {
  const { numbered, body } = splitOptions(markdown);
  const tokens = marked.lexer(body);
  const { contents, html } = renderQuestions(tokens, numbered);
  const pairs = collectTexts(tokens).flatMap((texts) => alike(texts, 0.8));
  const notes = pairs.map(([a, b]) => `<li>${escape(a)} / ${escape(b)}</li>`);
  return [
    `<nav><ol>${contents.join('')}</ol></nav>`,
    `<main>${html}</main>`,
    `<footer>${countWords(body)} words${notes.length ? `; alike: <ul>${notes.join('')}</ul>` : ''}</footer>`,
  ].join('\n');
}

module.exports = { preview };
