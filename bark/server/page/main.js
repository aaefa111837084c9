/** Puts the page together. */

import { Api } from "./api.js";
import { Chips } from "./chips.js";
import { Composer } from "./composer.js";
import { byId, make, save } from "./dom.js";
import { History } from "./history.js";
import { Key } from "./key.js";
import { Player } from "./player.js";
import { Recording } from "./recording.js";
import { Shelf } from "./shelf.js";
import { Speaker } from "./speaker.js";
import { Stage } from "./stage.js";
import { hideTrouble, say, showTrouble } from "./status.js";
import { Take } from "./take.js";
import { Voices } from "./voices.js";
import { wav } from "./wav.js";
import { watch } from "./watch.js";
import { fileName, spoken } from "./words.js";

const FORMATS = ["wav", "mp3", "opus", "aac", "flac"];
const SHORTEST = 0.5; // seconds that are worth keeping of what was stopped

const api = new Api(new Key());
const player = new Player();
const speaker = new Speaker(api, player);
const voices = new Voices(api, new Player());
const history = new History();
const voiceName = (id) => (id ? voices.nameOf(id) : "");
const stage = new Stage(player, speaker, voiceName);
const composer = new Composer(voices);
const shelf = new Shelf(history, voiceName);
new Chips(composer, voices);
new Recording(api, voices);

function speak(request) {
  hideTrouble();
  voices.hush();
  speaker.speak(request);
}

function speakForm() {
  try {
    speak(composer.request());
  } catch (error) {
    showTrouble(error.message);
  }
}

function stop() {
  voices.hush();
  speaker.stop();
}

/** Saves a take: as WAV here, in other formats by having the server say it again. */
async function download(take, format) {
  const name = fileName(take.request.input, take.seed, format);
  if (format === "wav") return save(wav(take.samples.parts(), take.rate), name);
  say(`Asking the server for ${format}.`);
  byId("download").setAttribute("aria-busy", "true");
  try {
    save(await api.file(take.same, format), name);
    say(`Saved ${name}.`);
  } catch (error) {
    showTrouble(error.message);
  }
  byId("download").removeAttribute("aria-busy");
}

/** An entry of the history as a take; null where its sound is gone. */
async function takeOf(entry) {
  const sound = await history.sound(entry.id);
  if (!sound) return null;
  const take = new Take(entry.request);
  Object.assign(take, { seed: entry.request.seed, rate: entry.rate });
  take.add(sound);
  take.end(entry.whole);
  return take;
}

function another({ seed: _, ...request }) {
  speak(request);
  byId("stage").scrollIntoView({ block: "nearest" });
}

composer.addEventListener("speak", speakForm);
composer.addEventListener("stop", stop);
voices.addEventListener("preview", stop);
speaker.addEventListener("change", () => (composer.making = speaker.state !== "idle"));
speaker.addEventListener("trouble", (event) => showTrouble(event.detail.message));
speaker.addEventListener("made", async (event) => {
  const take = event.detail;
  if (!take.whole && take.seconds < SHORTEST) return;
  try {
    await history.add(take, stage.picture.thumbnailOf(take));
  } catch {
    showTrouble("The browser has no room to keep this. Download it, or delete some of the history.");
  }
});

byId("format").append(...FORMATS.map((format) => make("option", { value: format }, format.toUpperCase())));
byId("download").addEventListener("click", () => download(player.take, byId("format").value));
byId("keep-seed").addEventListener("click", () => {
  composer.seed = player.take.seed;
  say(`Seed ${player.take.seed} is kept.`);
});
byId("another").addEventListener("click", () => another(player.take.request));

shelf.addEventListener("play", async (event) => {
  const take = await takeOf(event.detail);
  if (!take) return showTrouble("This sound is gone from the browser.");
  stop();
  player.open(take);
  player.play();
  say(`Playing ${spoken(take.seconds)}.`);
});
shelf.addEventListener("download", async (event) => {
  const take = await takeOf(event.detail);
  if (take) download(take, "wav");
});
shelf.addEventListener("another", (event) => another(event.detail.request));
shelf.addEventListener("reuse", (event) => {
  composer.fill(event.detail.request);
  byId("text").focus();
});

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    speakForm();
  } else if (event.key === "Escape" && !event.defaultPrevented) {
    stop();
  }
});

async function begin() {
  shelf.render();
  watch(api);
  try {
    const [models] = await Promise.all([api.models(), voices.load()]);
    composer.model = models[0]?.id ?? "";
    shelf.render(); // with the voices' names
  } catch (error) {
    showTrouble(error.message);
  }
}

begin();
