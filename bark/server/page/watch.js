/** Tells how the server is. */

import { byId } from "./dom.js";

const SOON = 2_000; // ms
const LATER = 30_000;
const WORDS = {
  idle: (model) => `${model}, loaded when it is asked`,
  loading: (model) => `${model} is being loaded…`,
  ready: (model) => `${model} is ready`,
  draining: () => "The server is stopping",
  stopped: () => "The server has stopped",
  failed: (model) => `${model} can’t be loaded`,
};

/** Looks at the server from now on, oftener while it is not ready. */
export async function watch(api) {
  const badge = byId("server");
  try {
    const { state, model } = await api.health();
    badge.dataset.state = state;
    show(WORDS[state]?.(model ?? "The model") ?? `${model}: ${state}`);
  } catch {
    badge.dataset.state = "away";
    show("The server can’t be reached");
  }
  setTimeout(() => watch(api), badge.dataset.state === "ready" ? LATER : SOON);
}

function show(words) {
  if (byId("server-words").textContent !== words) byId("server-words").textContent = words;
}
