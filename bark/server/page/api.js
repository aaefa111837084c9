/** Asks the server. What fails is an ApiError, whose message is for people. */

import { bytesOf, events } from "./events.js";
import { Joiner } from "./samples.js";

const LOADING = "server_loading";
const BROKEN = "The connection broke before the end.";
const PATIENCE = 600_000; // ms that a model may take to load

export class ApiError extends Error {
  /** @param {{status?: number, code?: string, wait?: number | null}} [more] wait: seconds until it is worth asking */
  constructor(message, { status = 0, code = "", wait = null } = {}) {
    super(message);
    Object.assign(this, { name: "ApiError", status, code, wait });
  }
}

/** Whether an error only says that somebody has stopped. */
export function isStop(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

export class Api {
  #key;

  /** @param {import("./key.js").Key} key */
  constructor(key) {
    this.#key = key;
  }

  /** State of the server; it needs no key. */
  async health() {
    const answer = await reached(fetch("health"));
    return answer.json();
  }

  async models() {
    return (await (await this.#ask("v1/models")).json()).data;
  }

  async voices() {
    return (await (await this.#ask("v1/audio/voices")).json()).data;
  }

  /** @param {FormData} form audio, name, consent */
  async addVoice(form) {
    return (await this.#ask("v1/audio/voices", { method: "POST", body: form })).json();
  }

  async removeVoice(id) {
    await this.#ask(`v1/audio/voices/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  /**
   * Speech as it is made, as events: unlike mere bytes they tell of what goes wrong on the way.
   * @param {import("./take.js").Request} request
   * @param {AbortSignal} signal stops the server, too
   * @param {(words: string) => void} waiting is told why nothing comes yet
   */
  async speak(request, signal, waiting = () => {}) {
    const form = { response_format: "pcm", stream_format: "sse" };
    const answer = await this.#post({ ...request, ...form }, signal, waiting);
    const speech = { seed: answer.headers.get("x-bark-seed") ?? "", warnings: [] };
    speech.rate = Number(answer.headers.get("x-bark-sample-rate")) || 24000;
    speech.pieces = pieces(answer.body.getReader(), speech);
    return speech;
  }

  /** The same as a file, made as a whole so that its head tells its length. */
  async file(request, format, signal) {
    const answer = await this.#post({ ...request, response_format: format, stream: false }, signal);
    return unbroken(() => answer.blob());
  }

  /** Asks for speech, and waits for a model that is being loaded. */
  async #post(request, signal, waiting = () => {}) {
    const patient = Date.now() + PATIENCE;
    const body = json(request);
    const headers = { "content-type": "application/json" };
    for (;;) {
      try {
        return await this.#ask("v1/audio/speech", { method: "POST", body, headers, signal });
      } catch (error) {
        if (error.code !== LOADING || Date.now() > patient) throw error;
        waiting("The model is being loaded…");
        await pause(error.wait ?? 1, signal);
      }
    }
  }

  /** An answer that is no error; asks for a key as long as one is missing. */
  async #ask(path, init = {}) {
    for (;;) {
      const used = this.#key.value;
      const headers = { ...init.headers, ...(used && { authorization: `Bearer ${used}` }) };
      const answer = await reached(fetch(path, { ...init, headers }));
      if (answer.ok) return answer;
      const error = await faultOf(answer);
      if (error.status !== 401) throw error;
      const changed = this.#key.value !== used; // another request has asked for it meanwhile
      if (!changed && !(await this.#key.ask(error.message))) throw error;
    }
  }
}

/** JSON of a request; a seed in digits becomes a number, however long. */
function json({ seed, ...rest }) {
  const body = JSON.stringify(rest);
  return seed ? `${body.slice(0, -1)},"seed":${BigInt(seed)}}` : body;
}

/** Int16Arrays, as they come; in the end, `speech` has the warnings. */
async function* pieces(reader, speech) {
  const joiner = new Joiner();
  const coming = events(reader);
  try {
    for (;;) {
      const { done, value } = await unbroken(() => coming.next());
      if (done) throw new ApiError(BROKEN);
      if (value.type === "error") throw new ApiError(sentence(value.error.message), value.error);
      if (value.type === "speech.audio.done") {
        speech.warnings = value.warnings ?? [];
        return;
      }
      const piece = joiner.join(bytesOf(value.audio));
      if (piece.length) yield piece;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    if (isStop(error)) throw error;
    throw new ApiError("The server can’t be reached. Is it still running?");
  }
}

async function unbroken(read) {
  try {
    return await read();
  } catch (error) {
    if (isStop(error) || error instanceof ApiError) throw error;
    throw new ApiError(BROKEN);
  }
}

/** An error as OpenAI's API has it, or what can be told of one that isn't. */
async function faultOf(answer) {
  const after = Number(answer.headers.get("retry-after"));
  const wait = after > 0 ? after : null;
  let fault = {};
  try {
    fault = (await answer.json()).error ?? {};
  } catch {
    // a proxy's page, most likely
  }
  const { status } = answer;
  const said = typeof fault.message === "string" && fault.message;
  return new ApiError(sentence(said || `The server answered ${status}.`, status, wait), { status, code: fault.code, wait });
}

function sentence(words, status, wait) {
  const first = words[0].toUpperCase() + words.slice(1);
  const whole = /[.!?…]$/.test(first) ? first : `${first}.`;
  return status === 429 && wait ? `${whole} It may have room in ${wait} s.` : whole;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
