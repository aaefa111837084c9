/** Has the server say one thing at a time, and plays it from its first piece on. */

import { isStop } from "./api.js";
import { Take } from "./take.js";

/**
 * States: `idle`, `asking` (nothing has come yet), `making`. Events: `change`; `made` (detail: the take, whole or not);
 * `trouble` (detail: the error).
 */
export class Speaker extends EventTarget {
  state = "idle";
  /** Why nothing comes yet, if the server has said so. */
  words = "";
  /** Seconds from the request to the first piece. */
  first = 0;
  #api;
  #player;
  #stopper = null;
  #begun = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./player.js").Player} player
   */
  constructor(api, player) {
    super();
    this.#api = api;
    this.#player = player;
  }

  /** Seconds since the request, or since the first piece. */
  get elapsed() {
    return (performance.now() - this.#begun) / 1000;
  }

  /**
   * Stops what is being said, and says this.
   * @param {import("./take.js").Request} request
   */
  async speak(request) {
    this.#stopper?.abort();
    const take = new Take(request);
    const stopper = (this.#stopper = new AbortController());
    [this.#begun, this.first] = [performance.now(), 0];
    this.#player.open(take);
    this.#player.play();
    this.#become("asking");
    try {
      await this.#fill(take, stopper);
      take.end(true);
    } catch (error) {
      take.end(false);
      if (!isStop(error)) this.#tell("trouble", error);
    }
    if (this.#stopper === stopper) this.#become("idle");
    if (take.samples.length) this.#tell("made", take);
  }

  /** Stops the server's work and the sound. */
  stop() {
    this.#stopper?.abort();
    this.#player.stop();
  }

  async #fill(take, stopper) {
    const waiting = (words) => {
      if (this.#stopper === stopper) this.#become("asking", words);
    };
    const answer = await this.#api.speak(take.request, stopper.signal, waiting);
    Object.assign(take, { seed: answer.seed, rate: answer.rate });
    for await (const piece of answer.pieces) {
      if (!take.samples.length) this.first = this.elapsed;
      take.add(piece);
      if (this.#stopper === stopper) this.#become("making");
    }
    take.warnings = answer.warnings;
  }

  #become(state, words = "") {
    if (this.state === state && this.words === words) return;
    Object.assign(this, { state, words });
    this.dispatchEvent(new Event("change"));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
