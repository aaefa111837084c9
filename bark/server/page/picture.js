/** Draws a take while it grows: its spectrogram, and below it its waveform. */

import { barsIn, drawBars, fitted, thumbnail } from "./bars.js";
import { ramp } from "./colours.js";
import { BANDS, Columns, MOST } from "./columns.js";

const BUDGET = 8; // ms of a frame for looking at sound

export class Picture {
  #spectrogram;
  #waveform;
  #columns = null;
  #image = Object.assign(document.createElement("canvas"), { width: MOST, height: BANDS });
  #drawn = 0; // columns in the image
  #folds = 0;
  #ramp = ramp();
  #wanted = 0; // id of the frame that was asked for
  #heard = () => 0;
  #shown = 0; // seconds of the whole width
  #look = ["", ""]; // of what was drawn last: to draw is dear on machines that draw on the CPU

  /**
   * @param {HTMLCanvasElement} spectrogram
   * @param {HTMLCanvasElement} waveform
   * @param {() => number} heard second that is heard now
   */
  constructor(spectrogram, waveform, heard) {
    this.#spectrogram = spectrogram;
    this.#waveform = waveform;
    this.#heard = heard;
    new ResizeObserver(() => this.#anew()).observe(waveform);
    document.addEventListener("themechange", () => {
      this.#ramp = ramp();
      this.#drawn = 0;
      this.#anew();
    });
  }

  /** @param {import("./take.js").Take | null} take */
  open(take) {
    this.#columns = take && new Columns(take);
    this.#drawn = this.#folds = 0;
    take?.addEventListener("grow", () => this.refresh());
    this.#anew();
  }

  /** Seconds that the width stands for; what is longer is shown whole. */
  set seconds(value) {
    if (this.#shown === value) return;
    this.#shown = value;
    this.refresh();
  }

  /** Draws in the next frame. */
  refresh() {
    this.#wanted ||= requestAnimationFrame(() => {
      this.#wanted = 0;
      if (this.#columns?.look(BUDGET)) this.refresh();
      this.#draw();
    });
  }

  /** A small waveform of a take that is done, to keep. */
  thumbnailOf(take) {
    const columns = this.#columns?.take === take ? this.#columns : new Columns(take);
    while (columns.look(1000));
    return thumbnail(columns.peaks, columns.count);
  }

  #anew() {
    this.#look = ["", ""];
    this.refresh();
  }

  #draw() {
    const columns = this.#columns;
    const whole = Math.max(this.#shown, columns?.take.seconds ?? 0) || 1;
    const part = columns ? Math.min(1, columns.seconds / whole) : 0;
    const heard = Math.ceil(barsIn(this.#waveform.clientWidth) * (this.#heard() / whole));
    const look = [`${columns?.count} ${columns?.folds} ${part}`, `${heard}`];
    if (look[0] !== this.#look[0]) this.#drawSpectrogram(part);
    if (look.join() !== this.#look.join()) {
      drawBars(this.#waveform, columns?.peaks ?? [], columns?.count ?? 0, part, heard);
    }
    this.#look = look;
  }

  #drawSpectrogram(part) {
    const { context, width, height } = fitted(this.#spectrogram);
    const columns = this.#columns;
    if (!columns?.count) return;
    this.#paint(columns);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#image, 0, 0, columns.count, BANDS, 0, 0, width * part, height);
  }

  /** Puts new columns into the image. */
  #paint(columns) {
    if (this.#folds !== columns.folds) [this.#drawn, this.#folds] = [0, columns.folds];
    const from = Math.max(0, this.#drawn - 1); // the last one may have been half made
    if (columns.count <= from) return;
    const context = this.#image.getContext("2d");
    const pixels = context.createImageData(columns.count - from, BANDS);
    for (let x = from; x < columns.count; x++) this.#column(columns, x, x - from, pixels);
    context.putImageData(pixels, from, 0);
    this.#drawn = columns.count;
  }

  #column(columns, column, x, pixels) {
    for (let band = 0; band < BANDS; band++) {
      const level = Math.round(columns.levels[column * BANDS + band] * 255);
      const at = 4 * ((BANDS - 1 - band) * pixels.width + x);
      pixels.data.set(this.#ramp.subarray(4 * level, 4 * level + 4), at);
    }
  }
}
