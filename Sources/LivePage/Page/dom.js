// Elements, made without ever parsing text: what peers call themselves is text, whatever it holds.

const svgNames = new Set(["svg", "g", "path", "line", "rect", "circle", "text", "title"]);

/** An element with attributes, and children that are elements or text. */
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

/** Writes a text, only if it is another one: a selection stays, and readers of live regions hear no repetition. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or removes an attribute, only if it changes. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const views = new WeakMap();

/**
 * Makes the children of a parent those of the items, in order. A child stays the same element as long as its item has the
 * same key, so that the focus stays. `create(item)` gives `{element, update(item)}`.
 */
export function keyed(parent, items, key, create) {
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
}

/** Why there is nothing, and what to do: a sentence, then lines of code or text. */
export function empty(title, ...advice) {
  return el("div", { class: "empty" }, el("p", {}, el("strong", {}, title)), ...advice.map((part) => el("p", {}, ...[part].flat())));
}

/** A command to type. */
export const code = (text) => el("code", {}, text);
