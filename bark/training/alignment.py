"""What the teachers tell beside the audio: which phoneme sounds when, and the pitch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import TrainingError
from bark.files import replacing
from bark.training.audio_corpus import Clip

UNIT = 600  # samples of a teacher's duration unit
STRESS = "ˈˌ"
PITCH_HOP = 240  # samples, 10 ms at 24 kHz
IGNORED = -100

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]


def sounding(clip: Clip, times: IntArray) -> IntArray:
    """For each time, in samples of the clip, the index into its phonemes; −1 before the first and after the last.

    A stress mark has a duration of its own but no sound: its time belongs to the phoneme after it.
    """
    durations = np.asarray(clip.row["durations"])
    owner = np.arange(-1, len(durations) - 1)
    phonemes = clip.row["phonemes"]
    for i in range(len(phonemes) - 2, -1, -1):
        if phonemes[i] in STRESS:
            owner[i + 1] = owner[i + 2]
    owner[-1] = -1
    units = np.repeat(owner, durations)
    index = (times + clip.row["trim_start"]) // UNIT
    inside = (index >= 0) & (index < len(units))
    return np.where(inside, units[np.clip(index, 0, len(units) - 1)], -1)


def phoneme_classes(clip: Clip, times: IntArray, alphabet: str) -> IntArray:
    """For each time the class of the sounding phoneme: 0 for silence, 1 + its place in the alphabet.

    A phoneme that the alphabet doesn't have is ignored by the loss.
    """
    places = {phoneme: 1 + i for i, phoneme in enumerate(alphabet)}
    classes = np.asarray([places.get(p, IGNORED) for p in clip.row["phonemes"]] + [0], np.int64)
    return classes[sounding(clip, times)]


def pitch(audio: npt.NDArray[np.floating[Any]], sample_rate: int = 24_000) -> FloatArray:
    """Natural log of F0 of audio [T] every 10 ms, 0 where unvoiced, by WORLD's DIO (Morise et al. 2009) and StoneMask.

    Raises:
        TrainingError: the package pyworld isn't installed, or can't be imported.
    """
    try:
        import pyworld
    except ImportError as error:  # also where setuptools is too new for it
        raise TrainingError(f"no pitch without pyworld: pip install pyworld 'setuptools<81' ({error})") from error
    audio = audio.astype(np.float64)
    rough, times = pyworld.dio(audio, sample_rate, f0_floor=60.0, f0_ceil=500.0, frame_period=10.0)
    hertz = pyworld.stonemask(audio, rough, times, sample_rate)
    return np.where(hertz > 0, np.log(np.maximum(hertz, 1.0)), 0.0).astype(np.float32)


def cached_pitch(clips: list[Clip]) -> list[FloatArray]:
    """`pitch` of every clip, kept beside the shard that it is of, as `NAME.f0.npz`."""
    found: dict[tuple[Path, str], FloatArray] = {}
    for shard in sorted({clip.pcm for clip in clips}):
        members = [clip for clip in clips if clip.pcm == shard]
        path = shard.with_suffix(".f0.npz")
        known = dict(np.load(path)) if path.exists() else {}
        missing = [clip for clip in members if clip.row["id"].replace("/", "|") not in known]
        for clip in missing:
            known[clip.row["id"].replace("/", "|")] = pitch(clip.audio())
        if missing:
            _save(path, known)
        for clip in members:
            found[shard, clip.row["id"]] = known[clip.row["id"].replace("/", "|")]
    return [found[clip.pcm, clip.row["id"]] for clip in clips]


def _save(path: Path, arrays: dict[str, FloatArray]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
