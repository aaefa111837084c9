/** Records what is said to the computer. */

import { wavOf } from "./wav.js";

const RATE = 24000;
const LONGEST = 30; // seconds

export class Microphone {
  #recorder = null;

  /** Whether there may be one: browsers give it to pages of this machine, or of https. */
  static get possible() {
    return Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
  }

  get recording() {
    return this.#recorder !== null;
  }

  /**
   * Records until `stop`, or 30 s.
   * @returns {Promise<{file: Blob, seconds: number}>} a WAV file at 24 kHz
   */
  async record() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      return await decoded(await this.#heard(stream));
    } finally {
      this.#recorder = null;
      for (const track of stream.getTracks()) track.stop();
    }
  }

  stop() {
    if (this.#recorder?.state === "recording") this.#recorder.stop();
  }

  #heard(stream) {
    const recorder = (this.#recorder = new MediaRecorder(stream));
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const timer = setTimeout(() => this.stop(), LONGEST * 1000);
    return new Promise((resolve, reject) => {
      recorder.onerror = () => reject(new Error("The recording failed."));
      recorder.onstop = () => {
        clearTimeout(timer);
        resolve(new Blob(parts, { type: recorder.mimeType }));
      };
      recorder.start();
    });
  }
}

async function decoded(blob) {
  const context = new OfflineAudioContext(1, 1, RATE);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  return { file: wavOf(buffer.getChannelData(0), RATE), seconds: buffer.duration };
}
