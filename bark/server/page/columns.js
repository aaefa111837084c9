/** What the pictures are drawn from: loudness and spectrum of a take, in a bounded number of columns. */

import { FFT } from "./fft.js";

export const BANDS = 96;
export const MOST = 2048; // columns; one more makes each twice as wide
const HOP = 240; // samples: 10 ms at 24 kHz
const WINDOW = 1024;
const [QUIETEST, LOUDEST] = [-78, -8]; // dB of a band
const LOWEST = 50; // Hz

/** Grows with a take, in steps that don't hold up the page. */
export class Columns {
  count = 0;
  /** HOPs in a column. */
  width = 1;
  peaks = new Float32Array(MOST); // 0 … 1
  levels = new Float32Array(MOST * BANDS); // 0 … 1, low frequencies first
  /** How often columns were joined: what is drawn must then be drawn anew. */
  folds = 0;
  #hop = 0; // hops looked at
  #filled = 0; // of them in the column that is being made
  #fft = new FFT(WINDOW);
  #power = new Float64Array(WINDOW / 2 + 1);
  #frame = new Float32Array(WINDOW);
  #window = Float32Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
  #edges;

  /** @param {import("./take.js").Take} take */
  constructor(take) {
    this.take = take;
    this.#edges = edges(take.rate);
  }

  /** Seconds that have a column. */
  get seconds() {
    return (this.#hop * HOP) / this.take.rate;
  }

  /**
   * Looks at what has come.
   * @param {number} budget ms
   * @returns {boolean} whether there is more to look at
   */
  look(budget) {
    const end = performance.now() + budget;
    while (this.#ready()) {
      this.#add();
      if (performance.now() > end) return this.#ready();
    }
    return false;
  }

  #ready() {
    const { samples, done } = this.take;
    const needed = done ? this.#hop * HOP + 1 : this.#hop * HOP + (HOP + WINDOW) / 2;
    return samples.length >= needed;
  }

  #add() {
    if (this.#filled === 0) this.#open();
    const column = this.count - 1;
    const frame = this.take.samples.read(this.#hop * HOP + (HOP - WINDOW) / 2, this.#frame);
    this.peaks[column] = Math.max(this.peaks[column], peak(frame));
    for (let i = 0; i < WINDOW; i++) frame[i] *= this.#window[i];
    this.#fft.power(frame, this.#power);
    const at = column * BANDS;
    for (let band = 0; band < BANDS; band++) {
      const mean = this.levels[at + band];
      this.levels[at + band] = mean + (this.#level(band) - mean) / (this.#filled + 1);
    }
    this.#hop += 1;
    this.#filled = (this.#filled + 1) % this.width;
  }

  #open() {
    if (this.count === MOST) this.#fold();
    this.peaks[this.count] = 0;
    this.levels.fill(0, this.count * BANDS, (this.count + 1) * BANDS);
    this.count += 1;
  }

  /** Joins every two columns. */
  #fold() {
    for (let i = 0; i < MOST / 2; i++) {
      this.peaks[i] = Math.max(this.peaks[2 * i], this.peaks[2 * i + 1]);
      for (let band = 0; band < BANDS; band++) {
        const [first, second] = [2 * i * BANDS + band, (2 * i + 1) * BANDS + band];
        this.levels[i * BANDS + band] = (this.levels[first] + this.levels[second]) / 2;
      }
    }
    this.count = MOST / 2;
    this.width *= 2;
    this.folds += 1;
  }

  /** 0 … 1, of the spectrum that is in hand. */
  #level(band) {
    const [low, high] = [this.#edges[band], Math.max(this.#edges[band] + 1, this.#edges[band + 1])];
    let sum = 0;
    for (let bin = low; bin < high; bin++) sum += this.#power[bin];
    const decibels = 10 * Math.log10(sum / (high - low) / (WINDOW / 4) ** 2 + 1e-12); // a full sine is 0
    return Math.min(1, Math.max(0, (decibels - QUIETEST) / (LOUDEST - QUIETEST)));
  }
}

/** Largest magnitude in the hop in the middle of a frame. */
function peak(frame) {
  let most = 0;
  for (let i = (WINDOW - HOP) / 2; i < (WINDOW + HOP) / 2; i++) most = Math.max(most, Math.abs(frame[i]));
  return most;
}

/** First bins of the bands, evenly spaced in mel; one more than bands. */
function edges(rate) {
  const mel = (hertz) => Math.log1p(hertz / 700);
  const [low, high] = [mel(LOWEST), mel(rate / 2)];
  return Array.from({ length: BANDS + 1 }, (_, i) => {
    const hertz = 700 * Math.expm1(low + ((high - low) * i) / BANDS);
    return Math.min(WINDOW / 2, Math.round((hertz * WINDOW) / rate));
  });
}
