'use strict';

async function ask(path) {
  const response = await fetch(`/api/study/${path}`);
  return response.json();
}

async function show() {
  const list = document.getElementById('studies');
  if (list) {
    for (const study of (await ask('listing')).studies) {
      const item = document.createElement('li');
      item.textContent = `${study.name} (${study.votes})`;
      list.append(item);
    }
    return;
  }
  const study = await ask(`load/${new URLSearchParams(location.search).get('id')}`);
  document.getElementById('name').textContent = study.name;
  document.getElementById('markdown').textContent = study.markdown;
}

show();
