/** A fast Fourier transform, of a size that is a power of two. */

export class FFT {
  #swaps;
  #cosines;
  #sines;
  #real;
  #imaginary;

  /** @param {number} size */
  constructor(size) {
    this.size = size;
    const bits = Math.log2(size);
    this.#swaps = Uint32Array.from({ length: size }, (_, i) => reversed(i, bits));
    this.#cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sines = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.#real = new Float64Array(size);
    this.#imaginary = new Float64Array(size);
  }

  /**
   * Squared magnitudes of the frequencies 0 … size / 2 of real samples.
   * @param {ArrayLike<number>} samples [size]
   * @param {Float64Array} into [size / 2 + 1]
   */
  power(samples, into) {
    const [real, imaginary] = [this.#real, this.#imaginary];
    for (let i = 0; i < this.size; i++) real[i] = samples[this.#swaps[i]];
    imaginary.fill(0);
    for (let half = 1; half < this.size; half *= 2) this.#butterflies(half);
    for (let i = 0; i < into.length; i++) into[i] = real[i] ** 2 + imaginary[i] ** 2;
    return into;
  }

  #butterflies(half) {
    const [real, imaginary, step] = [this.#real, this.#imaginary, this.size / (2 * half)];
    for (let begin = 0; begin < this.size; begin += 2 * half) {
      for (let i = 0; i < half; i++) {
        const [even, odd] = [begin + i, begin + i + half];
        const [cosine, sine] = [this.#cosines[i * step], this.#sines[i * step]];
        const x = real[odd] * cosine + imaginary[odd] * sine;
        const y = imaginary[odd] * cosine - real[odd] * sine;
        real[odd] = real[even] - x;
        imaginary[odd] = imaginary[even] - y;
        real[even] += x;
        imaginary[even] += y;
      }
    }
  }
}

function reversed(number, bits) {
  let turned = 0;
  for (let bit = 0; bit < bits; bit++) turned |= ((number >> bit) & 1) << (bits - 1 - bit);
  return turned;
}
