/** The colours of the style sheet, for what is drawn. */

import { make } from "./dom.js";

const probe = make("span", { hidden: true });
document.body.append(probe);

const known = new Map(); // to ask is dear: the whole page's style is worked out for it
document.addEventListener("themechange", () => known.clear());

/** What a custom property stands for in the present theme, as red, green, blue. */
function colour(name) {
  if (!known.has(name)) {
    probe.style.color = `var(${name})`;
    known.set(name, getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number));
  }
  return known.get(name);
}

/** 256 colours, RGBA, from silence to loud: `--sound-0` … `--sound-4` and what lies between. */
export function ramp() {
  const stops = [0, 1, 2, 3, 4].map((i) => colour(`--sound-${i}`));
  const colours = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const [from, to] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
    const part = at - Math.floor(at);
    for (let channel = 0; channel < 3; channel++) {
      colours[4 * i + channel] = from[channel] + (to[channel] - from[channel]) * part;
    }
    colours[4 * i + 3] = 255;
  }
  return colours;
}

export const css = (name) => `rgb(${colour(name).join(" ")})`;
