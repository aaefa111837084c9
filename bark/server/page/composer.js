/** What should be said, and how: the text, the settings, and the request that they make. */

import { byId, dress, make } from "./dom.js";
import { expectedDuration } from "./duration.js";
import { span } from "./words.js";

const TAGS = ["[laughs]", "[sighs]", "[music]", "[gasps]", "[clears throat]", "♪", "…", "—", "[MAN]", "[WOMAN]"];
const SAID = { "♪": "music note", "…": "ellipsis, a hesitation", "—": "dash, a hesitation" };
const SPEAKER = /^[ \t]*\p{Lu}[\p{Lu}\p{N} .'’&_-]{0,39}[ \t]*[:：](?!\/)/mu; // as in bark/text/script.py
const LARGEST_SEED = 2n ** 63n - 1n;

/** Tells by the events `speak` and `stop` what is asked for. */
export class Composer extends EventTarget {
  #text = byId("text");
  #temperature = byId("temperature");
  #speed = byId("speed");
  #seed = byId("seed");
  #touched = false; // whether a temperature was chosen
  #making = false;

  /** @param {import("./voices.js").Voices} voices */
  constructor(voices) {
    super();
    this.#voices = voices;
    this.#insertButtons();
    this.#text.addEventListener("input", () => this.#render());
    this.#temperature.addEventListener("input", () => {
      this.#touched = true;
      this.#render();
    });
    this.#speed.addEventListener("input", () => this.#render());
    this.#seed.addEventListener("input", () => this.#seed.removeAttribute("aria-invalid"));
    byId("reset").addEventListener("click", () => this.#reset());
    byId("speak").addEventListener("click", () => this.#tell(this.#making ? "stop" : "speak"));
    this.#render();
  }

  #voices;

  /** Name of the model that is asked. */
  model = "";

  /** Whether the button is there to stop. */
  set making(value) {
    if (this.#making === value) return;
    this.#making = value;
    if (value) dress(byId("speak"), "stop", "Stop");
    else dress(byId("speak"), "play", "Speak");
  }

  /**
   * What to ask for.
   * @returns {import("./take.js").Request}
   * @throws {Error} whose message says what is missing
   */
  request() {
    const input = this.#text.value.trim();
    if (!input) throw refused(this.#text, "There is no text yet: write something, or take an example.");
    const seed = this.#seed.value.trim();
    if (seed && !(/^\d{1,19}$/.test(seed) && BigInt(seed) <= LARGEST_SEED)) {
      throw refused(this.#seed, "A seed is a whole number from 0 to 9223372036854775807, or nothing.");
    }
    const request = { input };
    if (this.model) request.model = this.model;
    if (this.#voices.chosen) request.voice = this.#voices.chosen;
    if (seed) request.seed = seed;
    if (this.#touched) request.temperature = Number(this.#temperature.value);
    if (this.speed !== 1) request.speed = this.speed;
    if (this.#isScript && byId("dialogue").checked) request.dialogue = true;
    return request;
  }

  /** Puts a request back into the form. */
  fill({ input, voice = "", seed = "", temperature, speed = 1, dialogue }) {
    this.text = input;
    this.#voices.choose(voice);
    this.seed = seed;
    this.#touched = temperature !== undefined;
    if (this.#touched) this.#temperature.value = String(temperature);
    this.#speed.value = String(Math.log2(speed));
    byId("dialogue").checked = dialogue ?? !this.#isScript;
    this.#render();
  }

  set text(value) {
    this.#text.value = value;
    this.#text.removeAttribute("aria-invalid");
    this.#render();
  }

  set seed(value) {
    this.#seed.value = value;
    this.#seed.removeAttribute("aria-invalid");
  }

  /** 0.25 … 4; the slider has its logarithm. */
  get speed() {
    return Math.round(100 * 2 ** Number(this.#speed.value)) / 100;
  }

  get #isScript() {
    return SPEAKER.test(this.#text.value);
  }

  #insertButtons() {
    for (const tag of TAGS) {
      const button = make("button", { type: "button", class: "tag", onclick: () => this.#insert(tag) }, tag);
      if (SAID[tag]) button.setAttribute("aria-label", SAID[tag]);
      byId("tags").append(button);
    }
  }

  /** Puts a tag where the cursor is, apart from the words around it; a note goes around what is selected. */
  #insert(tag) {
    const { selectionStart: begin, selectionEnd: end, value } = this.#text;
    const around = tag === "♪" && end > begin ? `♪ ${value.slice(begin, end).trim()} ♪` : tag;
    const before = begin > 0 && !/\s$/.test(value.slice(0, begin)) && tag !== "…" ? " " : "";
    const after = /^\s/.test(value.slice(end)) ? "" : " ";
    this.#text.focus();
    this.#text.setRangeText(before + around + after, begin, end, "end");
    this.#text.dispatchEvent(new Event("input"));
  }

  #reset() {
    this.#touched = false;
    this.#temperature.value = "0.5";
    this.#speed.value = "0";
    this.seed = "";
    this.#render();
    this.#temperature.focus();
  }

  #render() {
    const text = this.#text.value.trim();
    if (text) this.#text.removeAttribute("aria-invalid");
    byId("expected").textContent = text ? `About ${span(expectedDuration(text) / this.speed)} of speech.` : "";
    byId("dialogue-row").hidden = !this.#isScript;
    const temperature = this.#touched ? Number(this.#temperature.value).toFixed(2) : "the model’s own";
    byId("temperature-value").textContent = temperature;
    this.#temperature.setAttribute("aria-valuetext", temperature);
    this.#temperature.classList.toggle("untouched", !this.#touched);
    for (const slider of [this.#temperature, this.#speed]) fill(slider);
    byId("speed-value").textContent = `${this.speed} ×`;
    this.#speed.setAttribute("aria-valuetext", `${this.speed} times`);
    byId("reset").hidden = !this.#touched && this.speed === 1;
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** Tells the style sheet how far a slider is. */
function fill(slider) {
  const part = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--part", `${100 * part}%`);
}

function refused(field, words) {
  field.setAttribute("aria-invalid", "true");
  field.focus();
  return new Error(words);
}
