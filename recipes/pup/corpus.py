"""Step `corpus`: the teachers speak the texts into shards of audio with their alignments.

A shard is `NNNN.pcm` (int16 samples of all its clips, one after another) and `NNNN.jsonl` (a row a clip).
The rows are written last, so a shard with rows is whole; a killed run makes only what is missing.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import tarfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.teachers import SAMPLE_RATE, HibariTeacher, KokoroTeacher, Spoken, Teacher
from recipes.pup import texts

SILENCE = 0.01  # full scale is 1
MARGIN = 0.15  # seconds of silence left at either end


@dataclass(frozen=True)
class CorpusSet:
    """One part of the corpus.

    Attributes:
        name: its folder.
        teacher: "hibari" or "kokoro".
        voices: spoken by turns.
        clips: how many clips to make.
        seed: of the choice of texts and speeds.
    """

    name: str
    teacher: str
    voices: tuple[str, ...]
    clips: int
    seed: int
    shard_clips: int = 250


def make(sets: Sequence[CorpusSet], out: Path, kokoro_voices: Path, wordnet: Path, processes: int) -> None:
    """Makes every missing shard of the given sets, `processes` at a time."""
    sentences = texts.english_sentences(wordnet)
    jobs = []
    for part in sets:
        spoken = list(itertools.islice(texts.utterances(sentences, part.seed), part.clips))
        for shard, start in enumerate(range(0, part.clips, part.shard_clips)):
            path = out / part.name / f"{shard:04d}"
            if not path.with_suffix(".jsonl").exists():
                jobs.append((part, shard, spoken[start : start + part.shard_clips], path, kokoro_voices))
    if not jobs:
        return
    started, seconds = time.time(), 0.0
    with ProcessPoolExecutor(processes) as pool:
        running = [pool.submit(_make_shard, *job) for job in jobs]
        for done, future in enumerate(as_completed(running), 1):
            seconds += future.result()
            elapsed = time.time() - started
            left = elapsed / done * (len(jobs) - done)
            print(f"shard {done}/{len(jobs)}  {seconds / 3600:.2f} h made  {left / 60:.0f} min left", flush=True)


def _make_shard(part: CorpusSet, shard: int, spoken: list[str], path: Path, kokoro_voices: Path) -> float:
    """Returns the seconds of audio made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    teacher = _teacher(part.teacher, kokoro_voices)
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
                    "text": text,
                    "language": "en",
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
    _write_rows(path.with_suffix(".jsonl"), rows)
    return offset / SAMPLE_RATE


def trim(clip: Spoken) -> tuple[npt.NDArray[np.float32], int]:
    """The clip with 0.15 s of silence at either end at most, and the samples cut from its front."""
    audio = np.clip(clip.audio, -1.0, 1.0)
    loud = np.flatnonzero(np.abs(audio) > SILENCE)
    if not len(loud):
        return audio, 0
    margin = int(MARGIN * SAMPLE_RATE)
    start = max(0, int(loud[0]) - margin)
    return audio[start : int(loud[-1]) + margin], start


@cache
def _teacher(name: str, kokoro_voices: Path) -> Teacher:
    if name == "hibari":
        return HibariTeacher()
    if name == "kokoro":
        return KokoroTeacher(kokoro_voices)
    raise ValueError(f"no teacher {name!r}; there are hibari and kokoro")


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    temporary = path.with_suffix(".rows.part")
    with temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(temporary, path)


def import_ready(archive: Path, rows: Path, out: Path, shard_clips: int = 250) -> None:
    """Brings ready clips (a tar of Opus files and a JSON row a clip) into the same shards."""
    import soundfile

    with tarfile.open(archive) as clips:
        members = {Path(member.name).name: member for member in clips.getmembers()}
        wanted = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
        for shard, start in enumerate(range(0, len(wanted), shard_clips)):
            path = out / f"{shard:04d}"
            if path.with_suffix(".jsonl").exists():
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
            _write_rows(path.with_suffix(".jsonl"), written)
