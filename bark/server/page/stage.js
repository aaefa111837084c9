/** Shows what is being said: pictures, progress, and the buttons to listen to it. */

import { dress, byId } from "./dom.js";
import { expectedDuration } from "./duration.js";
import { Picture } from "./picture.js";
import { say } from "./status.js";
import { clock, excerpt, span, spoken } from "./words.js";

const TELL_EVERY = 15; // seconds, to screen readers
const REST = 100; // ms between two looks at the clock: to draw costs, and speech is made on the same machine most often

export class Stage {
  #player;
  #speaker;
  #take = null;
  #expected = 0;
  #told = 0;
  #timer = 0;

  /**
   * @param {import("./player.js").Player} player
   * @param {import("./speaker.js").Speaker} speaker
   * @param {(id: string) => string} voiceName
   */
  constructor(player, speaker, voiceName) {
    this.#player = player;
    this.#speaker = speaker;
    this.voiceName = voiceName;
    this.picture = new Picture(byId("spectrogram"), byId("waveform"), () => player.position);
    player.addEventListener("change", this.#render);
    speaker.addEventListener("change", this.#spoke);
    this.#listen();
  }

  #listen() {
    byId("play").addEventListener("click", () => this.toggle());
    byId("stop").addEventListener("click", () => this.#speaker.stop());
    const position = byId("position");
    position.addEventListener("input", () => this.#player.seek(Number(position.value)));
    position.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#player.seek(this.#player.position + step);
    });
  }

  toggle() {
    if (this.#sounding) this.#player.pause();
    else this.#player.play();
  }

  get #sounding() {
    return this.#player.state === "playing" || this.#player.state === "waiting";
  }

  /** Whether something is being made of what is shown. */
  get #making() {
    return this.#speaker.state !== "idle" && this.#take !== null && !this.#take.done;
  }

  #show(take) {
    this.#take?.removeEventListener("grow", this.#render);
    this.#take = take;
    this.#told = 0;
    this.#expected = take ? expectedDuration(take.request.input) / (take.request.speed ?? 1) : 0;
    take?.addEventListener("grow", this.#render);
    this.picture.open(take);
  }

  #spoke = () => {
    const { state, words } = this.#speaker;
    if (state === "asking") say(words || "Waiting for the first sound.");
    if (state === "making") say("Speaking.");
    if (state === "idle" && this.#take?.done && this.#take.samples.length) {
      say(`${this.#take.whole ? "Made" : "Stopped after"} ${spoken(this.#take.seconds)} of speech.`);
    }
    this.#render();
  };

  #render = () => {
    if (this.#player.take !== this.#take) this.#show(this.#player.take);
    this.#renderHead();
    this.#renderButtons();
    this.#tick();
  };

  /** What changes all the time, and as little of the document as can be. */
  #tick = () => {
    clearTimeout(this.#timer);
    this.#renderTime();
    this.#renderProgress();
    this.picture.refresh();
    if (this.#sounding || this.#making) this.#timer = setTimeout(this.#tick, REST);
  };

  #renderHead() {
    const take = this.#take;
    byId("stage").dataset.state = take ? this.#player.state : "empty";
    write("stage-title", take ? excerpt(take.request.input) : "Nothing said yet");
    const facts = take ? [this.voiceName(take.request.voice ?? ""), take.seed && `seed ${take.seed}`] : [];
    write("stage-facts", facts.filter(Boolean).join(" · "));
  }

  #renderButtons() {
    const some = Boolean(this.#take?.samples.length);
    const shown = this.#sounding ? ["pause", "Pause"] : ["play", "Play"];
    if (byId("play").textContent !== shown[1]) dress(byId("play"), ...shown);
    byId("play").disabled = !some;
    byId("stop").disabled = !this.#making && this.#player.state === "silent";
    byId("taken").hidden = !some;
    byId("keep-seed").hidden = !this.#take?.seed;
    byId("download").disabled = !this.#take?.done;
  }

  #renderTime() {
    const [take, position] = [this.#take, byId("position")];
    const made = take?.seconds ?? 0;
    const whole = take && !take.done ? Math.max(made, this.#expected) : made;
    const heard = this.#player.position;
    this.picture.seconds = whole;
    put(position, "disabled", !made);
    put(position, "max", (whole || 1).toFixed(2));
    put(position, "value", heard.toFixed(2));
    put(position, "ariaValueText", `${spoken(heard)} of ${spoken(whole)}`);
    write("time", take ? `${clock(heard)} / ${clock(made)}` : clock(0));
  }

  #renderProgress() {
    const progress = byId("progress");
    put(progress, "hidden", !this.#making);
    const made = this.#take?.seconds ?? 0;
    if (!this.#making) return write("progress-words", this.#outcome());
    if (made) progress.value = Math.min(0.98, made / this.#expected);
    else progress.removeAttribute("value");
    write("progress-words", made ? this.#progress(made) : this.#speaker.words || "Waiting for the first sound…");
    if (made - this.#told > TELL_EVERY) {
      this.#told = made;
      say(`${spoken(made)} made so far, of about ${spoken(Math.max(made, this.#expected))}.`);
    }
  }

  #progress(made) {
    const pace = made / this.#speaker.elapsed;
    const rest = this.#player.state === "waiting" ? "; gathering some before it goes on" : "";
    return `${span(made)} made of about ${span(Math.max(made, this.#expected))}, ${pace.toFixed(pace < 0.1 ? 2 : 1)} × as fast as heard${rest}`;
  }

  /** What is said of a take once it is done. */
  #outcome() {
    const take = this.#take;
    if (!take?.samples.length) return take?.done ? "Nothing was made." : "";
    return take.whole ? take.warnings.join(" ") : "Not all of the text was said.";
  }
}

/** Sets a property only where it differs: each setting costs, and what is read aloud would be read again. */
function put(element, name, value) {
  if (element[name] !== value) element[name] = value;
}

const write = (id, words) => put(byId(id), "textContent", words);
