/** Plays a take while it grows. */

const AHEAD = 3; // seconds that are scheduled before they are heard: a tab in the background wakes up once a second
const SLICE = 0.5; // seconds of one buffer
const START = 0.03; // seconds until the first buffer
const REST = 100; // ms between two looks
const SILENT = ["silent", "paused", "ended"];
const [SHORTEST_STORE, LONGEST_STORE] = [0.5, 8]; // seconds to gather once playing has caught up with making

/**
 * States: `silent` (nothing has been begun), `playing`, `waiting` (for more to be made), `paused`, `ended`. Every change
 * is told by the event `change`.
 */
export class Player extends EventTarget {
  state = "silent";
  take = null;
  #context = null;
  #sources = new Set();
  #cursor = 0; // samples that have been scheduled
  #until = 0; // when, on the context's clock, the last of them ends
  #store = SHORTEST_STORE;
  #timer = 0;

  /** To be called in a click or key press, without which browsers let no page be heard. */
  wake() {
    this.#context ??= new AudioContext({ sampleRate: 24000, latencyHint: "interactive" });
    this.#context.resume();
  }

  /** Shows the beginning of a take; whatever was playing stops. */
  open(take) {
    this.stop();
    this.take?.removeEventListener("grow", this.#grown);
    this.take = take;
    take?.addEventListener("grow", this.#grown);
    this.#cursor = 0;
    this.#become("silent");
  }

  /** Plays on from where it is, or from the beginning where it is at the end. */
  play() {
    if (!this.take || this.state === "playing") return;
    this.wake();
    if (this.take.done && this.#cursor >= this.take.samples.length) this.#cursor = 0;
    this.#store = SHORTEST_STORE;
    this.#begin();
  }

  pause() {
    if (this.state !== "playing" && this.state !== "waiting") return;
    this.#cursor = Math.round(this.position * this.take.rate);
    this.#silence();
    this.#become("paused");
  }

  /** Falls silent, and goes back to the beginning. */
  stop() {
    if (this.state === "silent") return;
    this.#silence();
    this.#cursor = 0;
    this.#become("silent");
  }

  /** Goes to a second of the take, as far as it is made. */
  seek(seconds) {
    if (!this.take) return;
    const on = this.state === "playing" || this.state === "waiting";
    this.#silence();
    this.#cursor = Math.round(Math.min(Math.max(0, seconds), this.take.seconds) * this.take.rate);
    if (on) return this.#begin();
    this.#become(this.#cursor ? "paused" : "silent");
    this.#tell(); // the place has changed, if nothing else
  }

  /** Second that is heard now. */
  get position() {
    if (!this.take) return 0;
    const left = this.#sources.size ? Math.max(0, this.#until - this.#context.currentTime) : 0;
    return Math.max(0, this.#cursor / this.take.rate - left);
  }

  #begin() {
    this.#until = this.#context.currentTime + START;
    this.#become("waiting");
    this.#timer = setInterval(this.#look, REST);
    this.#look();
  }

  #grown = () => {
    if (this.state === "playing" || this.state === "waiting") this.#look();
  };

  /** Schedules what there is, and sees whether it is enough. */
  #look = () => {
    const { samples, rate, done } = this.take;
    const now = this.#context.currentTime;
    if (this.state === "playing" && now > this.#until) {
      if (done && this.#cursor >= samples.length) return this.#end();
      if (!done && this.#cursor >= samples.length) this.#starve();
    }
    if (this.state === "waiting") {
      const stored = (samples.length - this.#cursor) / rate;
      const needed = this.#cursor === 0 ? 0 : this.#store; // the first piece is heard at once
      if (!done && (stored === 0 || stored < needed)) return;
      this.#until = Math.max(this.#until, now + START);
      this.#become("playing");
    }
    while (this.#cursor < samples.length && this.#until < now + AHEAD) this.#schedule(now);
  };

  #schedule(now) {
    const { samples, rate } = this.take;
    const count = Math.min(samples.length - this.#cursor, Math.round(SLICE * rate));
    const buffer = this.#context.createBuffer(1, count, rate);
    samples.read(this.#cursor, buffer.getChannelData(0));
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    source.onended = () => this.#sources.delete(source);
    this.#until = Math.max(this.#until, now + 0.005);
    source.start(this.#until);
    this.#sources.add(source);
    this.#cursor += count;
    this.#until += count / rate;
  }

  /** All that was made has been heard: gathers some, each time more, so that a slow machine doesn't stutter. */
  #starve() {
    this.#become("waiting");
    this.#store = Math.min(this.#store * 2, LONGEST_STORE);
  }

  #end() {
    this.#silence();
    this.#become("ended");
  }

  #silence() {
    clearInterval(this.#timer);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
      source.disconnect();
    }
    this.#sources.clear();
    this.#until = 0;
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    if (SILENT.includes(state)) this.#context?.suspend(); // lets go of the sound card
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
