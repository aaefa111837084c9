"""Random crops of audio whose pitch is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bark.codec.source_filter import MIDDLE
from bark.errors import TrainingError
from bark.training.alignment import PITCH_HOP, cached_pitch
from bark.training.audio_corpus import Clip, read_clips

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pitched:
    """Crops with their pitch.

    Attributes:
        audio: [B, N].
        log_pitch: natural log of the pitch over `MIDDLE` at the middle of each frame, drawn straight through
            what is unvoiced, [B, T].
        voiced: 1 where the frame's whole neighbourhood is voiced, else 0, [B, T].
    """

    audio: FloatArray
    log_pitch: FloatArray
    voiced: FloatArray


class PitchedSampler:
    """Random crops from several sets, each set drawn as often as its weight says.

    Args:
        sets: folders and their weights; clips that are kept for validation are left out.
        hop: samples of a frame.

    Raises:
        TrainingError: no clip has a voiced sound, or pitches aren't known and can't be found.
    """

    def __init__(self, sets: dict[Path, float], hop: int) -> None:
        self._hop = hop
        self._sets: list[list[tuple[Clip, FloatArray]]] = []
        weights = []
        for folder, weight in sets.items():
            clips = read_clips([folder], held_out=False)
            voiced = [(clip, pitch) for clip, pitch in zip(clips, cached_pitch(clips), strict=True) if pitch.any()]
            if voiced:
                self._sets.append(voiced)
                weights.append(weight)
        if not self._sets:
            raise TrainingError(f"nobody speaks in {', '.join(map(str, sets))}")
        self._weights = np.asarray(weights) / sum(weights)

    def crops(self, rng: np.random.Generator, count: int, frames: int) -> Pitched:
        """`count` crops of so many frames; a clip that is shorter is followed by silence."""
        rows = [self._crop(rng, frames) for _ in range(count)]
        audio, log_pitch, voiced = (np.stack(column) for column in zip(*rows, strict=True))
        return Pitched(audio, log_pitch, voiced)

    def _crop(self, rng: np.random.Generator, frames: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        clips = self._sets[rng.choice(len(self._sets), p=self._weights)]
        clip, pitch = clips[rng.integers(len(clips))]
        start = int(rng.integers(max(1, clip.row["samples"] // self._hop - frames + 1)))
        audio = np.zeros(frames * self._hop, np.float32)
        found = clip.audio(start * self._hop, len(audio))
        audio[: len(found)] = found
        times = (np.arange(start, start + frames) + 0.5) * self._hop / PITCH_HOP
        return audio, *pitch_at(pitch, times)


def pitch_at(pitch: FloatArray, times: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    """The pitch of a clip between the places where it was measured.

    Args:
        pitch: what `bark.training.alignment.pitch` gives, with a voiced place at least.
        times: in its steps, [T].

    Returns:
        The natural log of the pitch over `MIDDLE`, and 1 where the places before and after are voiced, else 0.
    """
    places = np.flatnonzero(pitch)
    log_pitch = np.interp(times, places, pitch[places]) - math.log(MIDDLE)
    sounding = np.append(pitch > 0, False)
    before = np.minimum(times.astype(np.int64), len(pitch))
    after = np.minimum(before + 1, len(pitch))
    return log_pitch.astype(np.float32), (sounding[before] & sounding[after]).astype(np.float32)
