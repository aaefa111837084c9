/** What is being said, or was. */

import { Samples } from "./samples.js";

/**
 * @typedef {object} Request what the server is asked for
 * @property {string} input
 * @property {string} [voice]
 * @property {string} [model]
 * @property {string} [seed] in digits: it may be larger than what a number can hold
 * @property {number} [temperature]
 * @property {number} [speed]
 * @property {boolean} [dialogue]
 */

/** A request and its sound; tells of every change by the event `grow`. */
export class Take extends EventTarget {
  samples = new Samples();
  seed = "";
  rate = 24000;
  /** Whether no more will come. */
  done = false;
  /** Whether all of the text was said. */
  whole = false;
  /** What the server wants to be known, in sentences. */
  warnings = [];

  /** @param {Request} request */
  constructor(request) {
    super();
    this.request = request;
  }

  /** Seconds made so far. */
  get seconds() {
    return this.samples.length / this.rate;
  }

  /** The request that gives this take again. */
  get same() {
    return { ...this.request, seed: this.seed };
  }

  add(piece) {
    this.samples.add(piece);
    this.dispatchEvent(new Event("grow"));
  }

  end(whole) {
    this.done = true;
    this.whole = whole;
    this.dispatchEvent(new Event("grow"));
  }
}
