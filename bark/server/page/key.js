/** The API key, where the server wants one: kept as long as the tab is open. */

import { byId } from "./dom.js";

const NAME = "bark-api-key";

export class Key {
  #asking = null;
  #kept = "";

  constructor() {
    try {
      this.#kept = sessionStorage.getItem(NAME) ?? "";
    } catch {
      // where storage is forbidden, until the page is left
    }
  }

  get value() {
    return this.#kept;
  }

  /**
   * Asks for one; those who need it meanwhile wait for the same answer.
   * @param {string} words why
   * @returns {Promise<boolean>} whether there is a new one
   */
  ask(words) {
    this.#asking ??= this.#open(words).finally(() => (this.#asking = null));
    return this.#asking;
  }

  #keep(value) {
    this.#kept = value;
    try {
      sessionStorage.setItem(NAME, value);
    } catch {
      // as above
    }
  }

  #open(words) {
    const dialog = byId("key-dialog");
    const field = byId("key");
    byId("key-words").textContent = words;
    field.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    field.focus();
    return new Promise((resolve) => {
      const closed = () => {
        const given = dialog.returnValue === "given" && field.value.trim();
        if (given) this.#keep(given);
        field.value = "";
        resolve(Boolean(given));
      };
      dialog.addEventListener("close", closed, { once: true });
      byId("key-cancel").onclick = () => dialog.close();
      byId("key-form").onsubmit = (event) => {
        event.preventDefault();
        dialog.close("given");
      };
    });
  }
}
