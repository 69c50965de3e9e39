// Creates elements without parsing text: the names of untrusted peers stay text, whatever they contain.

const svgNames = new Set(["svg", "g", "path", "line", "rect", "circle", "text", "title"]);

/** Creates an element. Children are elements or text. */
export function el(name, attributes = {}, ...children) {
  const element = svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets the text only if it differs: a selection stays, and screen readers do not repeat live regions. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or removes an attribute if it differs. */
export function setAttr(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const views = new WeakMap();

/**
 * Replaces the children of a parent by one for each item, in order. An item with the same key keeps its element, and so the
 * focus. `create(item)` returns `{element, update(item)}`.
 */
export function keyed(parent, items, key, create) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const old = views.get(parent) ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    if (now.has(name)) continue;
    const view = old.get(name) ?? create(item);
    now.set(name, view);
    view.update?.(item);
    if (view.element === place) place = place.nextSibling;
    else parent.insertBefore(view.element, place);
  }
  for (const [name, view] of old) if (now.get(name) !== view) view.element.remove();
  while (place) {
    const next = place.nextSibling;
    if (![...now.values()].some((view) => view.element === place)) place.remove();
    place = next;
  }
  views.set(parent, now);
  // An element that moves loses the focus.
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

/** A text for an empty list: why it is empty, then lines that say what to do. */
export function empty(title, ...advice) {
  return el("div", { class: "empty" }, el("p", {}, el("strong", {}, title)), ...advice.map((part) => el("p", {}, ...[part].flat())));
}

/** A command to type. */
export const code = (text) => el("code", {}, text);
