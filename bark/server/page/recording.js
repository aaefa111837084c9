/** The form that makes a voice from a recording. */

import { byId, dress } from "./dom.js";
import { Microphone } from "./microphone.js";
import { say } from "./status.js";
import { span } from "./words.js";

export class Recording {
  #api;
  #voices;
  #dialog = byId("recording-dialog");
  #form = byId("recording-form");
  #file = byId("recording-file");
  #microphone = new Microphone();
  /** What was recorded here; a file that is chosen takes its place. */
  #recorded = null;
  #sending = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./voices.js").Voices} voices
   */
  constructor(api, voices) {
    this.#api = api;
    this.#voices = voices;
    byId("record").addEventListener("click", () => this.#open());
    byId("recording-cancel").addEventListener("click", () => this.#dialog.close());
    byId("microphone").hidden = !Microphone.possible;
    byId("microphone").addEventListener("click", () => this.#record());
    this.#file.addEventListener("change", () => this.#took(null, ""));
    this.#dialog.addEventListener("close", () => this.#microphone.stop());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  #open() {
    this.#form.reset();
    this.#took(null, "");
    this.#fault("");
    this.#dialog.showModal();
    byId("recording-name").focus();
  }

  #took(recorded, words) {
    this.#recorded = recorded;
    byId("microphone-words").textContent = words;
  }

  #fault(words, field = null) {
    for (const each of this.#form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
    byId("recording-fault").textContent = words;
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  }

  async #record() {
    if (this.#microphone.recording) return this.#microphone.stop();
    this.#file.value = "";
    dress(byId("microphone"), "stop", "Stop recording");
    this.#took(null, "Recording…");
    try {
      const { file, seconds } = await this.#microphone.record();
      this.#took(file, `Recorded ${span(seconds)}.`);
    } catch (error) {
      this.#took(null, error.name === "NotAllowedError" ? "The browser was not allowed to listen." : error.message);
    }
    dress(byId("microphone"), "microphone", "Record now");
  }

  /** What is missing, and where; null where nothing is. */
  #missing() {
    if (!byId("recording-name").value.trim()) return ["The voice needs a name.", byId("recording-name")];
    if (!this.#recorded && !this.#file.files.length) return ["Choose a recording, or make one.", this.#file];
    if (!byId("consent").checked) return ["The speaker has to agree: tick the box if so.", byId("consent")];
    return null;
  }

  async #send() {
    if (this.#sending) return;
    const missing = this.#missing();
    this.#fault(...(missing ?? [""]));
    if (missing) return;
    const name = byId("recording-name").value.trim();
    const form = new FormData();
    form.append("name", name);
    form.append("consent", "true");
    form.append("audio", this.#recorded ?? this.#file.files[0], this.#recorded ? "recording.wav" : this.#file.files[0].name);
    this.#busy(true);
    try {
      const voice = await this.#api.addVoice(form);
      await this.#voices.load();
      this.#dialog.close();
      this.#voices.choose(voice.id);
      byId("voice").focus();
      say(`The voice ${name} is ready, and chosen.`);
    } catch (error) {
      this.#fault(error.message);
    }
    this.#busy(false);
  }

  #busy(value) {
    this.#sending = value;
    byId("recording-send").setAttribute("aria-disabled", String(value));
    byId("recording-send").textContent = value ? "Listening to it…" : "Make the voice";
  }
}
