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

/**
 * Keeps keyed children in step with a list: makes, orders, removes; returns element by key.
 * @param {Element} parent
 * @param {{key: string}[]} items
 * @param {(item: Object) => Element} make
 */
export function keyed(parent, items, make) {
  const known = (parent.keyedChildren ??= new Map());
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, element] of known) {
    if (wanted.has(key)) continue;
    element.remove();
    known.delete(key);
  }
  let before = parent.firstElementChild;
  for (const item of items) {
    let element = known.get(item.key);
    if (element === undefined) {
      element = make(item);
      known.set(item.key, element);
    }
    if (element === before) before = before.nextElementSibling;
    else parent.insertBefore(element, before);
  }
  return known;
}

/** True where the viewer asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
