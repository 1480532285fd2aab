// Elements made of data: text only ever becomes a text node, so that nothing in a label can be markup.

/** An element; `attributes` are set as they are (null and false are left out), strings among `children` become text. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets the text only where it is another, so that screen readers are told of changes and of nothing else. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
