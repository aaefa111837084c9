/** What was made, kept in this browser: as much as fits into bounds, the oldest goes first. */

export const [MOST_TAKES, MOST_BYTES] = [100, 200e6];
const NAME = "bark";
const [RECORDS, SOUNDS] = ["records", "sounds"];

/**
 * @typedef {object} Entry
 * @property {number} id
 * @property {number} when ms since 1970
 * @property {import("./take.js").Request} request with the seed that was used
 * @property {number} rate Hz
 * @property {number} seconds
 * @property {number} bytes
 * @property {boolean} whole whether all of the text was said
 * @property {Uint8Array} peaks a small waveform
 */

/** Tells of every change by the event `change`. */
export class History extends EventTarget {
  #store = open().catch(() => new Memory()); // where storage is forbidden, until the page is left

  /** Entries, the newest first. */
  async all() {
    const entries = await (await this.#store).all();
    return entries.sort((a, b) => b.id - a.id);
  }

  /**
   * @param {import("./take.js").Take} take
   * @param {Uint8Array} peaks
   */
  async add(take, peaks) {
    const sound = new Blob(take.samples.parts());
    const { rate, seconds, whole } = take;
    const entry = { when: Date.now(), request: take.same, rate, seconds, whole, peaks, bytes: sound.size };
    await (await this.#store).add(entry, sound);
    await this.#bound();
    this.dispatchEvent(new Event("change"));
  }

  /** Samples of an entry; null if it is gone. */
  async sound(id) {
    const blob = await (await this.#store).sound(id);
    return blob ? new Int16Array(await blob.arrayBuffer()) : null;
  }

  async remove(id) {
    await (await this.#store).remove([id]);
    this.dispatchEvent(new Event("change"));
  }

  async clear() {
    const store = await this.#store;
    await store.remove((await store.all()).map((entry) => entry.id));
    this.dispatchEvent(new Event("change"));
  }

  /** Lets go of the oldest, but never of the newest. */
  async #bound() {
    let bytes = 0;
    const over = (await this.all()).filter((entry, i) => {
      bytes += entry.bytes;
      return i > 0 && (i >= MOST_TAKES || bytes > MOST_BYTES);
    });
    if (over.length) await (await this.#store).remove(over.map((entry) => entry.id));
  }
}

/** Entries and their sounds in two stores, so that the list needs no sound. */
class Kept {
  constructor(base) {
    this.base = base;
  }

  all() {
    return asked(this.base.transaction(RECORDS).objectStore(RECORDS).getAll());
  }

  sound(id) {
    return asked(this.base.transaction(SOUNDS).objectStore(SOUNDS).get(id));
  }

  async add(entry, sound) {
    const both = this.base.transaction([RECORDS, SOUNDS], "readwrite");
    const id = await asked(both.objectStore(RECORDS).add(entry));
    both.objectStore(SOUNDS).add(sound, id);
    await completed(both);
  }

  async remove(ids) {
    const both = this.base.transaction([RECORDS, SOUNDS], "readwrite");
    for (const id of ids) {
      both.objectStore(RECORDS).delete(id);
      both.objectStore(SOUNDS).delete(id);
    }
    await completed(both);
  }
}

class Memory {
  #entries = new Map();
  #next = 1;

  async all() {
    return [...this.#entries.values()].map(({ entry }) => entry);
  }

  async sound(id) {
    return this.#entries.get(id)?.sound;
  }

  async add(entry, sound) {
    const id = this.#next++;
    this.#entries.set(id, { entry: { ...entry, id }, sound });
  }

  async remove(ids) {
    for (const id of ids) this.#entries.delete(id);
  }
}

async function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(RECORDS, { keyPath: "id", autoIncrement: true });
    request.result.createObjectStore(SOUNDS);
  };
  return new Kept(await asked(request));
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
