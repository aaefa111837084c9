/** Buttons that put an example into the text box. */

import { byId, make } from "./dom.js";
import { LANGUAGES, TRICKS } from "./examples.js";
import { say } from "./status.js";

export class Chips {
  #composer;
  #voices;
  #languages = new Map();

  /**
   * @param {import("./composer.js").Composer} composer
   * @param {import("./voices.js").Voices} voices
   */
  constructor(composer, voices) {
    this.#composer = composer;
    this.#voices = voices;
    byId("tricks").append(...TRICKS.map((example) => this.#chip(example)));
    for (const example of LANGUAGES) {
      const chip = this.#chip(example);
      this.#languages.set(example.language, chip);
      byId("languages").append(chip);
    }
    voices.addEventListener("loaded", () => this.#mark());
  }

  #chip(example) {
    const { language, name } = example;
    const chip = make("button", { type: "button", class: "chip", onclick: () => this.#take(example) }, name);
    if (language) chip.lang = language;
    return chip;
  }

  #take({ language, name, text }) {
    this.#composer.text = text;
    if (language) this.#voices.chooseLanguage(language);
    byId("text").focus();
    say(`Example ${name}.`);
  }

  /** Tells which languages the model has voices of. */
  #mark() {
    const spoken = this.#voices.languages;
    const lacking = spoken.size ? LANGUAGES.filter(({ language }) => !spoken.has(language)) : [];
    for (const [language, chip] of this.#languages) {
      chip.classList.toggle("foreign", spoken.size > 0 && !spoken.has(language));
    }
    const note = byId("languages-note");
    note.hidden = !lacking.length;
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    const known = new Intl.ListFormat("en").format([...spoken].map((language) => names.of(language)));
    note.textContent = `The voices of this model speak ${known}. Other languages come out as well as they can.`;
  }
}
