/** Sound as it comes: s16le bytes in, samples out. */

const BLOCK = 1 << 19; // samples: 22 s at 24 kHz

/** Samples that more can be added to; they are never copied again. */
export class Samples {
  #blocks = [];
  length = 0;

  /** @param {Int16Array} piece */
  add(piece) {
    let taken = 0;
    while (taken < piece.length) {
      const at = this.length % BLOCK;
      if (at === 0) this.#blocks.push(new Int16Array(BLOCK));
      const count = Math.min(piece.length - taken, BLOCK - at);
      this.#blocks.at(-1).set(piece.subarray(taken, taken + count), at);
      taken += count;
      this.length += count;
    }
  }

  /**
   * Samples from `begin` on, in [−1, 1]; silence before the first and after the last.
   * @param {number} begin
   * @param {Float32Array} into
   */
  read(begin, into) {
    for (let i = 0; i < into.length; i++) {
      const at = begin + i;
      into[i] = at < 0 || at >= this.length ? 0 : this.#blocks[Math.floor(at / BLOCK)][at % BLOCK] / 32768;
    }
    return into;
  }

  /** All of them as s16le, in parts. */
  parts() {
    return this.#blocks.map((block, i) => block.subarray(0, Math.min(BLOCK, this.length - i * BLOCK)));
  }
}

/** Makes samples of bytes that may be cut anywhere, even within a sample. */
export class Joiner {
  #odd = null;

  /** @param {Uint8Array} bytes */
  join(bytes) {
    const left = this.#odd === null ? 0 : 1;
    const whole = new Uint8Array((left + bytes.length) & ~1);
    const taken = whole.length - left;
    if (whole.length) {
      if (left) whole[0] = this.#odd;
      whole.set(bytes.subarray(0, taken), left);
      this.#odd = null;
    }
    if (taken < bytes.length && taken >= 0) this.#odd = bytes[bytes.length - 1];
    return new Int16Array(whole.buffer);
  }
}
