'use strict';
// Pairs of texts that differ by few letters: a survey's author has probably pasted one and forgotten to edit it.

const LONGEST = 20; // letters compared; bounds the work of one pair

function letters(text) {
  const kept = text.toLowerCase().replace(/[^\p{L}\p{N} ]+/gu, '').slice(0, LONGEST);
  return Uint16Array.from(kept, (c) => c.charCodeAt(0));
}

// Levenshtein's distance, one row at a time.
function distance(a, b, row) {
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    let corner = row[0];
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      const changed = a[i - 1] === b[j - 1] ? corner : corner + 1;
      const inserted = (above < row[j - 1] ? above : row[j - 1]) + 1;
      row[j] = changed < inserted ? changed : inserted;
      corner = above;
    }
  }
  return row[b.length];
}

// Pairs whose similarity, 1 - distance / length of the longer, is at least `least` (0 to 1).
function alike(texts, least) {
  const words = texts.map(letters);
  const row = new Uint16Array(LONGEST + 1);
  const pairs = [];
  for (let i = 0; i < words.length; i++) {
    for (let j = i + 1; j < words.length; j++) {
      const longer = Math.max(words[i].length, words[j].length);
      if (longer === 0) continue;
      if (1 - distance(words[i], words[j], row) / longer >= least) pairs.push([texts[i], texts[j]]);
    }
  }
  return pairs;
}

module.exports = { alike };
