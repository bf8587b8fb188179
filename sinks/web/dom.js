/** Making elements: text is always text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Object} attributes `text` is the content, `class` the classes; false and null are left out
 * @param {(Node|null)[]} children
 * @returns {HTMLElement}
 */
export function node(tag, attributes = {}, children = []) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. @returns {SVGElement} */
export function svg(tag, attributes = {}, children = []) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null) element.append(child);
  }
  return element;
}

/** Sets text only when it differs: an unchanged cell costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets a custom property through the CSSOM, which a strict policy allows. */
export function setVar(element, name, value) {
  if (element.style.getPropertyValue(name) !== String(value)) element.style.setProperty(name, value);
}

const children = new WeakMap();

/**
 * Keeps keyed children in step with a list: makes, orders, removes.
 * @param {Element} parent holds nothing else
 * @param {{key: string}[]} items
 * @param {(item: Object) => {element: Element}} make what it returns is kept for the key
 * @returns {Map<string, Object>} what was made, by key
 */
export function keyed(parent, items, make) {
  if (!children.has(parent)) children.set(parent, new Map());
  const known = children.get(parent);
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, { element }] of known) {
    if (wanted.has(key)) continue;
    element.remove();
    known.delete(key);
  }
  let before = parent.firstElementChild;
  for (const item of items) {
    if (!known.has(item.key)) known.set(item.key, make(item));
    const { element } = known.get(item.key);
    if (element === before) before = before.nextElementSibling;
    else parent.insertBefore(element, before);
  }
  return known;
}

/** True where the viewer asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
