/** What is said to those who look, and to those who listen. */

import { byId } from "./dom.js";

/** Says something to screen readers when they are not busy. */
export function say(words) {
  byId("said").textContent = words;
}

/** Shows an error in words, and says it. */
export function showTrouble(words) {
  byId("trouble-words").textContent = words;
  byId("trouble").hidden = false;
  byId("alert").textContent = words;
}

export function hideTrouble() {
  byId("trouble").hidden = true;
  byId("alert").textContent = "";
}

byId("trouble-close").addEventListener("click", () => {
  hideTrouble();
  byId("text").focus();
});
