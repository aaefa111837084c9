"""Step `corpus`: the teachers speak the texts into shards of audio with their alignments.

A shard is `NNNN.pcm` (int16 samples of all its clips, one after another) and `NNNN.jsonl` (a row a clip).
The rows are written last, so a shard with rows is whole; a killed run makes only what is missing.

Where a judge is to hear the clips first, their rows are in `NNNN.spoken`. What it heard goes to `NNNN.heard`, and the
rows of the clips that it understood to `NNNN.jsonl`; the training reads no others.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.teachers import SAMPLE_RATE, HibariTeacher, KokoroTeacher, Spoken, Teacher
from bark.files import replacing
from bark.models.cpu import has_matrix_units
from recipes.pup import g2p, texts
from recipes.pup.expressive import ExpressiveTeacher, tagged_sentences

Job = tuple["CorpusSet", int, list[str], Path, Path]

SILENCE = 0.01  # full scale is 1
MARGIN = 0.15  # seconds of silence left at either end
ROUND = 12  # shards between two tables of hours


@dataclass(frozen=True)
class CorpusSet:
    """One part of the corpus.

    Attributes:
        name: its folder.
        teacher: "hibari", "kokoro" or, for lines with tags, ♪ and CAPITALS, "expressive".
        voices: spoken by turns; of one named twice there is twice as much.
        clips: how many clips to make.
        seed: of the choice of texts and speeds.
        language: two letters.
        max_error: of the sounds of a clip, the share that the judge may mishear; None: nobody listens.
    """

    name: str
    teacher: str
    voices: tuple[str, ...]
    clips: int
    seed: int
    shard_clips: int = 250
    language: str = "en"
    max_error: float | None = None


def make(sets: Sequence[CorpusSet], out: Path, kokoro_voices: Path, wordnet: Path, processes: int) -> None:
    """Makes every missing shard of the given sets, `processes` at a time: the first of every set, then the second …"""
    jobs: list[Job] = []
    for part in sets:
        spoken = plan(part, out, wordnet)
        for shard, start in enumerate(range(0, part.clips, part.shard_clips)):
            path = out / part.name / f"{shard:04d}"
            if not any(path.with_suffix(suffix).exists() for suffix in (".jsonl", ".spoken")):
                jobs.append((part, shard, spoken[start : start + part.shard_clips], path, kokoro_voices))
    if not jobs:
        return
    jobs.sort(key=lambda job: job[1])
    started, seconds = time.time(), 0.0
    for done, made in enumerate(_made(jobs, processes), 1):
        seconds += made
        left = (time.time() - started) / done * (len(jobs) - done)
        print(f"shard {done}/{len(jobs)}  {seconds / 3600:.2f} h made  {left / 60:.0f} min left", flush=True)
        if done % ROUND == 0:
            print(hours(sets, out), flush=True)


def plan(part: CorpusSet, out: Path, wordnet: Path) -> list[str]:
    """What the set says: kept in its `plan.txt`, so that a run that goes on later says no sentence otherwise."""
    path = out / part.name / "plan.txt"
    planned = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if len(planned) < part.clips:
        planned += _wanted(part, texts.sentences(part.language, wordnet, out.parent / "texts"))[len(planned) :]
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in planned), encoding="utf-8")
    return planned[: part.clips]


def _wanted(part: CorpusSet, pool: list[str]) -> list[str]:
    """As many utterances as the set has clips."""
    if part.teacher == "expressive":
        return tagged_sentences(texts.own_sentences("tags_en"), pool, part.clips, part.seed)
    longest, space = texts.MAX_CHARS.get(part.language, 180), "" if part.language in texts.UNSPACED else " "
    return list(itertools.islice(texts.utterances(pool, part.seed, longest, space), part.clips))


def hours(sets: Sequence[CorpusSet], out: Path) -> str:
    """A table of the hours spoken, heard by the judge, and fit for training."""
    lines = ["| set | language | spoken | heard | kept |", "| --- | --- | --- | --- | --- |"]
    for part in sets:
        kept, spoken = (_seconds((out / part.name).glob(f"*{suffix}")) for suffix in (".jsonl", ".spoken"))
        heard = _seconds(path.with_suffix(".spoken") for path in (out / part.name).glob("*.heard"))
        figures = (spoken, heard, kept) if part.max_error is not None else (kept, 0.0, kept)
        lines.append(f"| {part.name} | {part.language} | " + " | ".join(f"{s / 3600:.2f} h" for s in figures) + " |")
    return "\n".join(lines)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes a file of JSON lines, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _seconds(files: Iterable[Path]) -> float:
    return sum(float(row["samples"]) for path in files for row in read_rows(path)) / SAMPLE_RATE


def _made(jobs: Sequence[Job], processes: int) -> Iterator[float]:
    """The seconds of each shard, as they get done."""
    if processes == 1:
        yield from (_make_shard(*job) for job in jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        for future in as_completed([pool.submit(_make_shard, *job) for job in jobs]):
            yield future.result()


def _make_shard(part: CorpusSet, shard: int, spoken: list[str], path: Path, kokoro_voices: Path) -> float:
    """Returns the seconds of audio made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    teacher = teacher_of(part.teacher, kokoro_voices, part.language)
    rng = random.Random(f"{part.seed}/{shard}")
    rows: list[dict[str, Any]] = []
    offset = 0
    pcm = path.with_suffix(".pcm")
    with pcm.with_suffix(".part").open("wb") as audio_file:
        for index, text in enumerate(spoken):
            voice = part.voices[index % len(part.voices)]
            speed = round(rng.uniform(0.9, 1.15), 3)
            clip = teacher.say(text, voice, speed, seed=rng.randrange(2**31))
            if clip is None:
                continue
            audio, cut = trim(clip)
            audio_file.write((audio * 32767).round().astype("<i2").tobytes())
            rows.append(
                {
                    "id": f"{part.name}/{shard:04d}/{index:04d}",
                    "text": g2p.plain(text),
                    **({} if g2p.plain(text) == text else {"said": text}),
                    "language": part.language,
                    "voice": voice,
                    "teacher": part.teacher,
                    "speed": speed,
                    "offset": offset,
                    "samples": len(audio),
                    "phonemes": clip.phonemes,
                    "durations": clip.durations,
                    "trim_start": cut,
                }
            )
            offset += len(audio)
    os.replace(pcm.with_suffix(".part"), pcm)
    write_rows(path.with_suffix(".jsonl" if part.max_error is None else ".spoken"), rows)
    return offset / SAMPLE_RATE


def trim(clip: Spoken, margin: float = MARGIN) -> tuple[npt.NDArray[np.float32], int]:
    """The clip with `margin` seconds of silence at either end at most, and the samples cut from its front."""
    audio = np.clip(clip.audio, -1.0, 1.0)
    loud = np.flatnonzero(np.abs(audio) > SILENCE)
    if not len(loud):
        return audio, 0
    kept = int(margin * SAMPLE_RATE)
    start = max(0, int(loud[0]) - kept)
    return audio[start : int(loud[-1]) + kept], start


class Polyglot:
    """Kokoro in any of the thirteen languages, with what is in another one within a text; see `Teacher`."""

    def __init__(self, kokoro: KokoroTeacher, language: str) -> None:
        self.voices = kokoro.voices
        self._kokoro = kokoro
        self._language = language

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        """What it says, whatever the seed; see `recipes.pup.g2p` for the marks that a text may have."""
        return self._kokoro.speak(g2p.phonemes(text, self._language), voice, speed)


@cache
def teacher_of(name: str, kokoro_voices: Path, language: str) -> Teacher:
    """Who speaks a set: `hibari`, `kokoro` or `expressive`, in a language."""
    if name == "hibari":
        return HibariTeacher()
    if name == "kokoro":
        kokoro = _kokoro(kokoro_voices)
        return kokoro if language == "en" else Polyglot(kokoro, language)
    if name == "expressive":
        return ExpressiveTeacher(_kokoro(kokoro_voices))
    raise ValueError(f"no teacher {name!r}; there are hibari, kokoro and expressive")


@cache
def _kokoro(voices: Path) -> KokoroTeacher:
    return KokoroTeacher(voices, bfloat16=has_matrix_units())


def import_ready(archive: Path, rows: Path, out: Path, shard_clips: int = 250, judged: bool = False) -> None:
    """Brings ready clips (a tar of Opus files and a JSON row a clip) into the same shards, to be `judged` or not."""
    import soundfile

    with tarfile.open(archive) as clips:
        members = {Path(member.name).name: member for member in clips.getmembers()}
        wanted = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
        for shard, start in enumerate(range(0, len(wanted), shard_clips)):
            path = out / f"{shard:04d}"
            if any(path.with_suffix(suffix).exists() for suffix in (".jsonl", ".spoken")):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            written, offset = [], 0
            with path.with_suffix(".part").open("wb") as audio_file:
                for row in wanted[start : start + shard_clips]:
                    packed = clips.extractfile(members[row["file"]])
                    assert packed is not None
                    audio, _ = soundfile.read(io.BytesIO(packed.read()), dtype="float32")
                    audio_file.write((np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes())
                    kept = {k: row[k] for k in ("text", "voice", "phonemes", "durations", "trim_start") if k in row}
                    place = {"id": f"{out.name}/{row['file']}", "language": archive.stem, "teacher": "kokoro"}
                    written.append({**place, **kept, "offset": offset, "samples": len(audio)})
                    offset += len(audio)
            os.replace(path.with_suffix(".part"), path.with_suffix(".pcm"))
            write_rows(path.with_suffix(".spoken" if judged else ".jsonl"), written)
