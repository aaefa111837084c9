/** The voices of the model: choosing, hearing and deleting one. */

import { isStop } from "./api.js";
import { byId, dress, make } from "./dom.js";
import { SENTENCES } from "./examples.js";
import { say, showTrouble } from "./status.js";
import { Take } from "./take.js";

const PREVIEW_SEED = "1";
const GROUPS = { alias: "OpenAI’s names", audio_sample: "From recordings" };

/** @typedef {{id: string, name: string, type?: string, language?: string | null}} Voice */

export class Voices extends EventTarget {
  #api;
  #player;
  /** @type {Voice[]} */
  #all = [];
  #select = byId("voice");
  #previews = new Map();
  #stopper = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./player.js").Player} player for previews alone
   */
  constructor(api, player) {
    super();
    this.#api = api;
    this.#player = player;
    byId("preview").addEventListener("click", () => (this.#sounding ? this.hush() : this.#preview()));
    byId("remove-voice").addEventListener("click", () => this.#remove());
    this.#select.addEventListener("change", () => this.#changed());
    player.addEventListener("change", () => this.#renderPreview());
  }

  /** Id of the chosen voice; empty for the model's own choice. */
  get chosen() {
    return this.#select.value;
  }

  /** Languages that there is a voice of. */
  get languages() {
    return new Set(this.#all.map(languageOf).filter(Boolean));
  }

  async load() {
    this.#all = await this.#api.voices();
    const chosen = this.chosen;
    for (const group of this.#select.querySelectorAll("optgroup")) group.remove();
    this.#select.append(...groups(this.#all));
    this.choose(chosen);
    this.dispatchEvent(new Event("loaded"));
  }

  nameOf(id) {
    return this.#all.find((voice) => voice.id === id)?.name ?? id;
  }

  /** Chooses a voice, or none where it is gone. */
  choose(id) {
    this.#select.value = this.#all.some((voice) => voice.id === id) ? id : "";
    this.#changed();
  }

  /** Chooses a voice of a language, unless the chosen one is, or there is none. */
  chooseLanguage(language) {
    const chosen = this.#all.find((voice) => voice.id === this.chosen);
    if (chosen && languageOf(chosen) === language) return;
    const first = this.#all.find((voice) => voice.type !== "alias" && languageOf(voice) === language);
    if (first) this.choose(first.id);
  }

  /** Stops a preview. */
  hush() {
    this.#stopper?.abort();
    this.#player.stop();
  }

  get #sounding() {
    return this.#player.state === "playing" || this.#player.state === "waiting";
  }

  #changed() {
    this.hush();
    const voice = this.#all.find((each) => each.id === this.chosen);
    byId("remove-voice").hidden = voice?.type !== "audio_sample";
  }

  async #preview() {
    this.dispatchEvent(new Event("preview"));
    const id = this.chosen;
    const known = this.#previews.get(id);
    const take = known ?? new Take(this.#sentence(id));
    this.#player.open(take);
    this.#player.play();
    if (known) return;
    const stopper = (this.#stopper = new AbortController());
    say(`Preview of ${this.nameOf(id) || "the model’s own choice"}.`);
    try {
      const answer = await this.#api.speak(take.request, stopper.signal);
      take.rate = answer.rate;
      for await (const piece of answer.pieces) take.add(piece);
      take.end(true);
      this.#previews.set(id, take);
    } catch (error) {
      take.end(false);
      this.#player.stop();
      if (!isStop(error)) showTrouble(error.message);
    }
  }

  #sentence(id) {
    const voice = this.#all.find((each) => each.id === id);
    const request = { input: SENTENCES[(voice && languageOf(voice)) ?? "en"] ?? SENTENCES.en, seed: PREVIEW_SEED };
    return id ? { ...request, voice: id } : request;
  }

  async #remove() {
    const [id, name] = [this.chosen, this.nameOf(this.chosen)];
    if (!confirm(`Delete the voice “${name}” from the server?`)) return;
    try {
      await this.#api.removeVoice(id);
      this.#previews.delete(id);
      await this.load();
      say(`The voice ${name} is deleted.`);
      this.#select.focus();
    } catch (error) {
      showTrouble(error.message);
    }
  }

  #renderPreview() {
    if (this.#sounding) dress(byId("preview"), "stop", "Stop");
    else dress(byId("preview"), "play", "Preview");
  }
}

/** Two letters; what the server says, or what Suno's names do. */
function languageOf(voice) {
  return voice.language ?? /(?:^|\/)([a-z]{2})_speaker_\d+$/.exec(voice.name)?.[1] ?? null;
}

/** Presets by language, then aliases and one's own. */
function groups(voices) {
  const languages = new Intl.DisplayNames(["en"], { type: "language" });
  const labelled = new Map();
  for (const voice of voices) {
    const language = languageOf(voice);
    const label = GROUPS[voice.type] ?? (language ? languages.of(language) : "Others");
    labelled.set(label, [...(labelled.get(label) ?? []), voice]);
  }
  const own = Object.values(GROUPS);
  const order = [...labelled.keys()].sort((a, b) => own.indexOf(a) - own.indexOf(b)); // the languages' order stays
  return order.map((label) => make("optgroup", { label }, ...labelled.get(label).map(option)));
}

function option(voice) {
  return make("option", { value: voice.id }, voice.name);
}
