/** WAV files: a head of 44 bytes, and s16le samples. */

const HEAD = 44;

/**
 * @param {ArrayBufferView[]} parts s16le, mono
 * @param {number} rate Hz
 */
export function wav(parts, rate) {
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return new Blob([head(bytes, rate), ...parts], { type: "audio/wav" });
}

/** Samples in [−1, 1] as a WAV file. */
export function wavOf(floats, rate) {
  const samples = Int16Array.from(floats, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))));
  return wav([samples], rate);
}

function head(bytes, rate) {
  const view = new DataView(new ArrayBuffer(HEAD));
  const word = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, HEAD - 8 + bytes, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channel
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, bytes, true);
  return view;
}
