/** A waveform as bars, loud ones high. */

import { css } from "./colours.js";

const [BAR, GAP] = [2, 1.5]; // CSS pixels

/** Fits a canvas to its place on the screen; gives its context in CSS pixels, its width and height. */
export function fitted(canvas) {
  const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** How many bars a width holds. */
export const barsIn = (width) => Math.floor((width + GAP) / (BAR + GAP));

/**
 * Draws peaks over a part of a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} peaks 0 … 1
 * @param {number} count of them that are used
 * @param {number} part of the width that they take
 * @param {number} heard bars that have been played
 */
export function drawBars(canvas, peaks, count, part = 1, heard = 0) {
  const { context, width, height } = fitted(canvas);
  const bars = count ? barsIn(width * part) : 0;
  const [played, rest] = [new Path2D(), new Path2D()];
  for (let bar = 0; bar < bars; bar++) {
    const [from, to] = [Math.floor((bar * count) / bars), Math.floor(((bar + 1) * count) / bars)];
    let most = peaks[from];
    for (let i = from + 1; i < to; i++) most = Math.max(most, peaks[i]);
    const high = Math.max(1.5, Math.min(1, most ** 0.7) * (height - 2));
    (bar < heard ? played : rest).rect(bar * (BAR + GAP), (height - high) / 2, BAR, high);
  }
  context.fillStyle = css("--played");
  context.fill(played);
  context.fillStyle = css("--unplayed");
  context.fill(rest);
}

/**
 * Peaks in fewer columns, as numbers 0 … 255.
 * @param {Float32Array} peaks 0 … 1
 */
export function thumbnail(peaks, count, size = 96) {
  const length = Math.min(size, count);
  return Uint8Array.from({ length }, (_, i) => {
    const [from, to] = [Math.floor((i * count) / length), Math.floor(((i + 1) * count) / length)];
    return Math.round(255 * peaks.subarray(from, to).reduce((most, peak) => Math.max(most, peak), 0));
  });
}
