/** How long a text takes to say: the package's own estimate (bark/text/duration.py), in the browser. */

const LETTERS = /[\p{L}\p{N}]|[\u0900-\u097f]/gu;
const LETTER = 0.068; // seconds
const SLOWER = [
  [/[\u4e00-\u9fff\u3400-\u4dbf]/gu, 0.22],
  [/[\u3040-\u30ff]/gu, 0.153],
  [/[\uac00-\ud7a3]/gu, 0.16],
  [/[\u0900-\u097f]/gu, 0.085],
  [/\p{Nd}/gu, 0.28],
];
const TAG = /\[[^[\]\n]{1,40}\]/g;
const TAG_SECONDS = 0.8;
const PUNCTUATION = /[.,;:!?…—。，、！？；：।]/g;
const PAUSE = 0.05;
const START = 0.3;

const count = (text, pattern) => text.match(pattern)?.length ?? 0;

/** Seconds that a text takes to say at an ordinary pace, give or take a sixth. */
export function expectedDuration(text) {
  const spoken = text.replace(TAG, "");
  let seconds = START + TAG_SECONDS * count(text, TAG) + PAUSE * count(spoken, PUNCTUATION);
  seconds += LETTER * count(spoken, LETTERS);
  for (const [characters, rate] of SLOWER) seconds += (rate - LETTER) * count(spoken, characters);
  return seconds;
}
