"""Audio to train on: shards of raw samples with a row of JSON a clip.

A shard is `NAME.pcm`, int16 little-endian mono samples of its clips, one after another, and `NAME.jsonl`, whose rows
have at least `id`, `text`, `language`, `voice`, `offset` and `samples` (both in samples), and where the teacher told
them `phonemes`, `durations` (of a pad, each phoneme, a pad, in units of 600 samples) and `trim_start` (samples cut
from the front of the clip).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import TrainingError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """One clip; its audio is read when asked for."""

    pcm: Path
    row: dict[str, Any]

    @property
    def held_out(self) -> bool:
        """Whether the clip is kept for validation: one in a hundred, by its text, so in every set alike."""
        return zlib.crc32(self.row["text"].encode()) % 100 == 0

    def audio(self, start: int = 0, samples: int | None = None) -> FloatArray:
        """Samples from `start` on, float32 in [−1, 1]; fewer at the end of the clip."""
        count = self.row["samples"] - start if samples is None else min(samples, self.row["samples"] - start)
        raw = np.fromfile(self.pcm, "<i2", count, offset=2 * (self.row["offset"] + start))
        return raw.astype(np.float32) / 32768.0


def read_clips(folders: Sequence[Path], held_out: bool | None = None) -> list[Clip]:
    """All clips of some sets, in the order of their shards.

    Args:
        held_out: only clips for validation, only the others, or all (None).

    Raises:
        TrainingError: a folder has no whole shard.
    """
    clips = []
    for folder in folders:
        shards = sorted(folder.glob("*.jsonl"))
        if not shards:
            raise TrainingError(f"{folder}: no shards of audio (NAME.pcm with NAME.jsonl); make the corpus first")
        for shard in shards:
            rows = map(json.loads, shard.read_text(encoding="utf-8").splitlines())
            clips += [Clip(shard.with_suffix(".pcm"), row) for row in rows]
    return clips if held_out is None else [clip for clip in clips if clip.held_out == held_out]


class AudioSampler:
    """Random crops from several sets, each set drawn as often as its weight says; it may be empty.

    Args:
        sets: folders and their weights.
        held_out: whether of the clips for validation, or of the others.
    """

    def __init__(self, sets: dict[Path, float], held_out: bool = False) -> None:
        found = [(read_clips([folder], held_out), weight) for folder, weight in sets.items()]
        self._sets = [clips for clips, _ in found if clips]
        weights = np.asarray([weight for clips, weight in found if clips], np.float64)
        self._weights = weights / weights.sum()

    def __len__(self) -> int:
        return sum(map(len, self._sets))

    def crops(self, rng: np.random.Generator, count: int, samples: int) -> FloatArray:
        """[count, samples]; a clip that is shorter is followed by zeros."""
        out = np.zeros((count, samples), np.float32)
        for row in out:
            clip = self.clip(rng)
            start = int(rng.integers(0, max(1, clip.row["samples"] - samples + 1)))
            audio = clip.audio(start, samples)
            row[: len(audio)] = audio
        return out

    def clip(self, rng: np.random.Generator) -> Clip:
        """A random clip."""
        clips = self._sets[rng.choice(len(self._sets), p=self._weights)]
        return clips[rng.integers(len(clips))]
