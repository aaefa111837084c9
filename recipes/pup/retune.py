"""What a teacher said, with other durations, another pitch and loudness: analysed and made anew by WORLD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bark.evaluation.packages import require
from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE, Spoken

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FRAMES = 5  # a unit of duration: frames of 5 ms
PERIOD = 1000 * DURATION_UNIT / SAMPLE_RATE / FRAMES  # ms


@dataclass(frozen=True)
class Analysed:
    """Speech as WORLD sees it, with the frames of each phoneme.

    Attributes:
        spoken: the speech.
        pitch: Hz, 0 where unvoiced, [T].
        spectra: power, [T, F].
        noise: share of it that is noise, [T, F].
        owner: of each frame, which of `spoken.durations` it lies in, [T].
    """

    spoken: Spoken
    pitch: Floats
    spectra: Floats
    noise: Floats
    owner: Ints

    @property
    def mean_pitch(self) -> float:
        """Hz, of what is voiced; 0 where nothing is."""
        voiced = self.pitch[self.pitch > 0]
        return float(np.median(voiced)) if len(voiced) else 0.0


def analysed(spoken: Spoken) -> Analysed:
    """The analysis of what a teacher said.

    Raises:
        BarkError: pyworld isn't installed.
    """
    world = require("pyworld")
    audio = spoken.audio.astype(np.float64)
    rough, times = world.dio(audio, SAMPLE_RATE, f0_floor=60.0, f0_ceil=600.0, frame_period=PERIOD)
    pitch = world.stonemask(audio, rough, times, SAMPLE_RATE)
    count = min(len(pitch), sum(spoken.durations) * FRAMES)
    spectra = world.cheaptrick(audio, pitch, times, SAMPLE_RATE)
    noise = world.d4c(audio, pitch, times, SAMPLE_RATE)
    owner = np.repeat(np.arange(len(spoken.durations)), np.asarray(spoken.durations) * FRAMES)
    return Analysed(spoken, pitch[:count], spectra[:count], noise[:count], owner[:count])


def stretched(speech: Analysed, durations: list[int]) -> Ints:
    """Which frame of the speech each frame of other durations shows, [T']."""
    places = []
    for index, units in enumerate(durations):
        frames = np.flatnonzero(speech.owner == index)
        if len(frames) and units:
            places.append(frames[0] + np.arange(units * FRAMES) * len(frames) // (units * FRAMES))
        elif units:
            places.append(np.full(units * FRAMES, min(len(speech.pitch) - 1, places[-1][-1] if places else 0)))
    return np.concatenate(places)


def rendered(speech: Analysed, durations: list[int], shown: Ints, pitch: Floats, gain: Floats) -> Spoken:
    """Speech made anew.

    Args:
        speech: that is changed.
        durations: of the result.
        shown: the frames of the speech that it is made of, as `stretched` gives them, [T'].
        pitch: Hz, 0 where unvoiced, [T'].
        gain: of the amplitude, [T'].
    """
    world = require("pyworld")
    audio = world.synthesize(
        np.ascontiguousarray(pitch),
        np.ascontiguousarray(speech.spectra[shown] * gain[:, None] ** 2),
        np.ascontiguousarray(speech.noise[shown]),
        SAMPLE_RATE,
        PERIOD,
    )
    length = sum(durations) * DURATION_UNIT
    audio = np.pad(audio[:length], (0, max(0, length - len(audio))))
    return Spoken(np.clip(audio, -1, 1).astype(np.float32), speech.spoken.phonemes, durations)


def emphasised(speech: Analysed, words: list[tuple[int, int]]) -> Spoken:
    """Some words higher, louder and slower, as one says what is in CAPITALS.

    Args:
        speech: that has them.
        words: first and one past the last of the phonemes of each.
    """
    stressed = {place + 1 for first, last in words for place in range(first, last)}  # durations begin with a pad
    durations = [max(d, round(1.25 * d)) if index in stressed else d for index, d in enumerate(speech.spoken.durations)]
    shown = stretched(speech, durations)
    strong = np.isin(speech.owner[shown], list(stressed)).astype(np.float64)
    window = np.hanning(13) / np.hanning(13).sum()
    soft = np.convolve(strong, window, "same")
    return rendered(speech, durations, shown, speech.pitch[shown] * 1.28**soft, 1.5**soft)
