"""Has a system speak a list of sentences into a folder, which a later run goes on with where this one stopped."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bark.audio.writer import write_audio
from bark.errors import BarkError, OptionError
from bark.evaluation.files import make_folder, read_audio
from bark.evaluation.judging import Clip
from bark.evaluation.memory import peak_memory
from bark.evaluation.systems import Synthesizer, SystemSpec

ROWS = "clips.jsonl"
WARM_UP = "One, two, three."
Progress = Callable[[int], None]  # clips that are there


@dataclass(frozen=True)
class Line:
    """What to say, who says it, and the seed to say it with. No text: the recording that the voice was made from."""

    text: str | None
    voice: str
    seed: int = 0


@dataclass(frozen=True)
class Speech:
    """What a system said.

    Attributes:
        clips: of the lines with a text, in order.
        presets: what its voices were made from, where it has that.
        peak_memory: of the process that spoke, bytes.
    """

    clips: list[Clip]
    presets: list[Clip]
    peak_memory: int


def plan(sentences: Sequence[str], voices: Sequence[str], seed: int = 0) -> list[Line]:
    """The voices take turns with the sentences; the seed goes up by one from line to line.

    Raises:
        OptionError: there are no sentences, or no voices.
    """
    if not sentences or not voices:
        raise OptionError(f"there is nothing to evaluate without {'voices' if sentences else 'sentences'}")
    lines = [Line(text, voices[i % len(voices)], seed + i) for i, text in enumerate(sentences)]
    used = dict.fromkeys(line.voice for line in lines)
    return [*lines, *(Line(None, voice) for voice in used)]


def speak_apart(spec: SystemSpec, lines: Sequence[Line], folder: Path, progress: Progress | None = None) -> None:
    """Has the system speak what isn't in the folder yet, in a process of its own, whose memory is its own too.

    Raises:
        BarkError: the system can't be made, or its process ended early.
        OutputError: the folder can't be written to.
    """
    if not missing(lines, folder, spec.key()):
        return
    command = [sys.executable, "-m", "bark.evaluation.worker"]
    job = {"spec": asdict(spec), "lines": [asdict(line) for line in lines], "folder": str(folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        if worker.stdin is None or worker.stdout is None:
            raise BarkError(f"no pipes to the process that speaks for {spec.name}")
        with contextlib.suppress(BrokenPipeError), worker.stdin as sink:  # broken: its status tells
            sink.write(json.dumps(job))
        for line in worker.stdout:
            _hear(line, progress)
    if worker.returncode:
        raise BarkError(f"the process that speaks for {spec.name} ended with status {worker.returncode}")


def speak(
    make: Callable[[], Synthesizer], lines: Sequence[Line], folder: Path, key: str, progress: Progress | None = None
) -> None:
    """Has a system speak what isn't in the folder yet.

    A sentence is said before the first, so that loading and warming up aren't timed.

    Args:
        make: makes the system; not called when nothing is missing.
        lines: what to say.
        folder: where WAV files go, and their rows.
        key: of the system; audio with another key is made anew.
        progress: called after each clip.

    Raises:
        OutputError: the folder can't be written to.
    """
    todo = missing(lines, make_folder(folder), key)
    if not todo:
        return
    system = make()
    system.say(WARM_UP, todo[0][1].voice, 0)
    with (folder / ROWS).open("a", encoding="utf-8") as rows:
        for done, (name, line) in enumerate(todo, 1):
            row = {"file": name, "key": key, **asdict(line), **_speak_line(system, line, folder / name)}
            rows.write("\n" + json.dumps(row, ensure_ascii=False))  # ahead of it: the last run may have died in a row
            rows.flush()
            if progress:
                progress(len(lines) - len(todo) + done)


def missing(lines: Sequence[Line], folder: Path, key: str) -> list[tuple[str, Line]]:
    """Names of the files that aren't there, and what they are to hold."""
    there = _rows(folder, key)
    return [(name, line) for name, line in _names(lines) if not _holds(there.get(name), line, folder / name)]


def load(lines: Sequence[Line], folder: Path, key: str) -> Speech:
    """What `speak` left in a folder.

    Raises:
        BarkError: clips are missing.
    """
    if lost := missing(lines, folder, key):
        raise BarkError(f"{len(lost)} of {len(lines)} clips are missing in {folder}, {lost[0][0]} is the first")
    rows = _rows(folder, key)
    clips: list[Clip] = []
    presets: list[Clip] = []
    for name, line in _names(lines):
        if line.text is not None:
            clips.append(_clip(folder / name, line, rows[name]["seconds"]))
        elif rows[name]["samples"]:
            presets.append(_clip(folder / name, line, None))
    return Speech(clips, presets, max(rows[name]["peak_memory"] for name, _ in _names(lines)))


def _speak_line(system: Synthesizer, line: Line, path: Path) -> dict[str, Any]:
    started = time.perf_counter()
    audio = system.preset(line.voice) if line.text is None else system.say(line.text, line.voice, line.seed)
    seconds = time.perf_counter() - started
    if audio is not None:
        write_audio(path, audio, system.sample_rate)
    samples = 0 if audio is None else len(audio)
    return {"seconds": round(seconds, 4), "samples": samples, "peak_memory": peak_memory()}


def _names(lines: Sequence[Line]) -> list[tuple[str, Line]]:
    """A file name for each line."""
    return [
        (f"preset-{re.sub(r'[^A-Za-z0-9_]+', '-', line.voice)}.wav" if line.text is None else f"{i:04d}.wav", line)
        for i, line in enumerate(lines)
    ]


def _rows(folder: Path, key: str) -> dict[str, dict[str, Any]]:
    """The latest row of each file, of this key only."""
    rows: dict[str, dict[str, Any]] = {}
    path = folder / ROWS
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(text)
        except json.JSONDecodeError:  # empty, or cut off when a run was killed
            continue
        rows[row["file"]] = row
    return {name: row for name, row in rows.items() if row["key"] == key}


def _holds(row: Mapping[str, Any] | None, line: Line, path: Path) -> bool:
    """Whether a row tells of this line, and its audio is there if it has any."""
    if row is None or any(row[name] != value for name, value in asdict(line).items()):
        return False
    return path.exists() or (line.text is None and not row["samples"])


def _clip(path: Path, line: Line, seconds: float | None) -> Clip:
    audio, sample_rate = read_audio(path)
    return Clip(audio, line.text or "", line.voice, sample_rate, seconds)


def _hear(line: str, progress: Progress | None) -> None:
    """A line that the worker wrote: how far it is, or what went wrong."""
    said = json.loads(line)
    if "error" in said:
        raise BarkError(said["error"])
    if progress:
        progress(said["done"])
