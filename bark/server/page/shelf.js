/** The list of what was made. */

import { drawBars } from "./bars.js";
import { byId, icon, make } from "./dom.js";
import { MOST_BYTES, MOST_TAKES } from "./history.js";
import { say, showTrouble } from "./status.js";
import { ago, clock, excerpt, megabytes } from "./words.js";

/** Tells by events what is asked for: `play`, `download`, `another`, `reuse`; their detail is the entry. */
export class Shelf extends EventTarget {
  #history;
  #list = byId("takes");
  #canvases = new Map();

  /**
   * @param {import("./history.js").History} history
   * @param {(id: string) => string} voiceName
   */
  constructor(history, voiceName) {
    super();
    this.#history = history;
    this.voiceName = voiceName;
    history.addEventListener("change", () => this.render());
    byId("clear").addEventListener("click", () => this.#clear());
    document.addEventListener("themechange", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(this.#list);
  }

  async render() {
    const entries = await this.#history.all();
    this.#canvases.clear();
    this.#list.replaceChildren(...entries.map((entry) => this.#row(entry)));
    byId("clear").hidden = byId("shelf-size").hidden = !entries.length;
    byId("shelf-empty").hidden = entries.length > 0;
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    byId("shelf-size").textContent = `${megabytes(bytes)} in this browser. Past ${MOST_TAKES} takes or ${megabytes(MOST_BYTES)} the oldest go.`;
    this.#draw();
  }

  #row(entry) {
    const { request, seconds, whole, when } = entry;
    const canvas = make("canvas", { "aria-hidden": "true" });
    this.#canvases.set(canvas, entry.peaks);
    const facts = [clock(seconds), this.voiceName(request.voice ?? ""), `seed ${request.seed}`, ago(when)];
    if (!whole) facts.splice(1, 0, "not all of it");
    return make(
      "li",
      {},
      this.#button("play", "play", "Play", entry, "round"),
      make("div", { class: "what" }, ...words(request.input, facts)),
      canvas,
      make(
        "div",
        { class: "buttons" },
        this.#button("download", "download", "Download as WAV", entry),
        this.#button("another", "dice", "Again with another seed", entry),
        this.#button("reuse", "edit", "Put text and settings back", entry),
        this.#button("remove", "trash", "Delete", entry),
      ),
    );
  }

  #button(type, picture, words, entry, shape = "quiet") {
    const label = `${words}: ${excerpt(entry.request.input, 40)}`;
    const tell = () => this.dispatchEvent(new CustomEvent(type, { detail: entry }));
    const onclick = type === "remove" ? () => this.#remove(entry) : tell;
    const properties = { type: "button", class: `${shape} icon`, title: words, "aria-label": label, onclick };
    return make("button", properties, icon(picture));
  }

  async #remove(entry) {
    const at = [...this.#list.children].findIndex((row) => row.contains(document.activeElement));
    await this.#history.remove(entry.id);
    await this.render();
    const next = this.#list.children[Math.min(at, this.#list.children.length - 1)];
    (next?.querySelector("button:last-child") ?? byId("shelf-title")).focus();
    say("Deleted.");
  }

  async #clear() {
    if (!confirm("Delete everything that was made from this browser?")) return;
    try {
      await this.#history.clear();
      byId("shelf-title").focus();
      say("The history is empty.");
    } catch (error) {
      showTrouble(error.message);
    }
  }

  #draw() {
    for (const [canvas, peaks] of this.#canvases) {
      drawBars(canvas, Float32Array.from(peaks, (peak) => peak / 255), peaks.length);
    }
  }
}

function words(text, facts) {
  return [
    make("p", { dir: "auto", class: "said", title: text.slice(0, 400) }, excerpt(text, 120)),
    make("p", { class: "faint" }, facts.filter(Boolean).join(" · ")),
  ];
}
