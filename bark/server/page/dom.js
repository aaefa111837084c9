/** Small helpers for the document. */

/** The element of an id, which the page has. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * A new element.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] of the element; `class` and names with a hyphen are attributes,
 *   `on…` listeners.
 * @param {...(Node | string)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name.includes("-")) element.setAttribute(name, String(value));
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the pictures in icons.svg; it says nothing to screen readers. */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `page/icons.svg#${name}`);
  picture.append(use);
  return picture;
}

/** Gives a button that has a picture and a word other ones. */
export function dress(button, name, word) {
  button.querySelector("use").setAttribute("href", `page/icons.svg#${name}`);
  button.querySelector("span").textContent = word;
}

/** Has the browser save bytes as a file. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
