/** Numbers as people read them. */

/** 0:07.4, and 1:02:07.4 for what takes hours. */
export function clock(seconds) {
  const tenths = Math.floor(Math.max(0, seconds) * 10 + 1e-6);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const tail = rest.toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** 7.4 s, 45 s, 12 min. */
export function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** For screen readers: 7 seconds, 2 minutes 5 seconds. */
export function spoken(seconds) {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  const words = [];
  if (minutes) words.push(`${minutes} ${minutes === 1 ? "minute" : "minutes"}`);
  if (rest || !minutes) words.push(`${rest} ${rest === 1 ? "second" : "seconds"}`);
  return words.join(" ");
}

export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** When something was, told as people do. */
export function ago(then, now = Date.now()) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const day = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(navigator.language, day).format(then);
}

/** Something like a sentence: cut between words where it is long. */
export function excerpt(text, longest = 80) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= longest ? line : `${line.slice(0, longest).replace(/\s+\S*$/, "")}…`;
}

/** The name of a file that holds a text. */
export function fileName(text, seed, ending) {
  const words = text.normalize("NFC").toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const short = words.slice(0, 6).join("-").slice(0, 40) || "speech";
  return `${short}${seed ? `-${seed}` : ""}.${ending}`;
}
