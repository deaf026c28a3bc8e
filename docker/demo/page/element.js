/** Makes an element; strings among the children become text, so no value is ever parsed as HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The element with this id; the page's own ids are always there. */
export function byId(id) {
  return document.getElementById(id);
}
