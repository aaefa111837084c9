"""Sounds that the teachers have no words for, made from a teacher's voice by WORLD: laughs, sighs, gasps, coughs.

What such sounds are like is measured: laughter is three to seven calls, four to five a second, each a breath and a
vowel whose pitch lies far above that of speech and falls (Bachorowski, Smoski and Owren 2001: 272 Hz in men, 405 Hz in
women); a sigh is voice that turns into breath; a gasp is breath drawn in, which grows and stops; clearing the throat is
low, rough voice that is pressed out twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.packages import require
from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE, KokoroTeacher

Floats = npt.NDArray[np.float64]
Audio = npt.NDArray[np.float32]

FRAME = 0.005  # seconds
VOWELS = "ɑəʌ"
SAID = "hɑ, hə, hʌ, ʌm."  # what a voice is known by
LOW = 170.0  # Hz; voices of a lower mean pitch laugh as men do
LAUGHING = {True: 272.0, False: 405.0}  # Hz


@dataclass(frozen=True)
class Timbre:
    """What a voice sounds like, apart from what it says.

    Attributes:
        pitch: its mean, Hz.
        envelopes: power spectra by phoneme, `h`, `m` and `VOWELS`, [F] each.
        level: root mean square of its vowels.
        tilt: of the frequencies [F], 0 to 1, for darker and brighter sounds.
    """

    pitch: float
    envelopes: dict[str, Floats]
    level: float
    tilt: Floats

    @property
    def is_low(self) -> bool:
        """Whether it is low for a voice, as most men's are."""
        return self.pitch < LOW


def timbre(teacher: KokoroTeacher, voice: str) -> Timbre:
    """Listens to a voice.

    Raises:
        VoiceError: there is no such voice.
        BarkError: pyworld isn't installed.
    """
    world = require("pyworld")
    spoken = teacher.speak(SAID, voice, 0.8)
    assert spoken is not None
    audio = spoken.audio.astype(np.float64)
    pitch, times = world.harvest(audio, SAMPLE_RATE, f0_floor=60.0, f0_ceil=500.0, frame_period=1000 * FRAME)
    spectra = world.cheaptrick(audio, pitch, times, SAMPLE_RATE)
    ends = np.cumsum(spoken.durations) * DURATION_UNIT
    found: dict[str, list[Floats]] = {}
    for place, phoneme in enumerate(spoken.phonemes, 1):
        first, last = (round(end / SAMPLE_RATE / FRAME) for end in (ends[place - 1], ends[place]))
        inner = spectra[first + (last - first) // 4 : max(first + 1, last - (last - first) // 4)]
        if phoneme in f"hm{VOWELS}" and len(inner):
            found.setdefault(phoneme, []).append(np.log(inner).mean(0))
    envelopes = {phoneme: np.exp(np.mean(parts, axis=0)) for phoneme, parts in found.items()}
    loudness = np.sqrt(np.convolve(audio**2, np.ones(480) / 480, "same"))
    tilt = np.linspace(0, 1, spectra.shape[1])
    return Timbre(float(np.median(pitch[pitch > 0])), envelopes, float(np.percentile(loudness, 90)), tilt)


@dataclass
class Score:
    """What is to be sung, frame by frame of 5 ms.

    Attributes:
        pitch: Hz, 0 where there is no voice, [T].
        breath: share of noise, 0 to 1, [T].
        gain: loudness, 1 for that of a vowel, [T].
        colour: phonemes, and how much of each, [T].
        dark: how much the high frequencies are softened, nepers at the highest, [T].
    """

    pitch: Floats
    breath: Floats
    gain: Floats
    colour: dict[str, Floats]
    dark: Floats


def _score(seconds: float) -> Score:
    count = max(8, round(seconds / FRAME))
    return Score(np.zeros(count), np.ones(count), np.zeros(count), {}, np.zeros(count))


def laugh(voice: Timbre, rng: np.random.Generator) -> Audio:
    """A bout of laughter, 0.8 to 1.8 s."""
    top = LAUGHING[voice.is_low] * voice.pitch / (120 if voice.is_low else 205) * rng.uniform(0.8, 1.1)
    top = float(np.clip(top, 1.4 * voice.pitch, 520))
    vowel = rng.choice(list(VOWELS))
    calls = rng.integers(4, 8)
    parts = [_call(voice, top * 0.95**n * rng.uniform(0.93, 1.07), 0.93**n, vowel, rng) for n in range(calls)]
    if rng.random() < 0.3:
        parts.append(_drawn_in(voice, rng.uniform(0.18, 0.3), 0.25, rng))
    return np.concatenate(parts)


def _call(voice: Timbre, pitch: float, gain: float, vowel: str, rng: np.random.Generator) -> Audio:
    """One `ha`."""
    breath, tone = rng.uniform(0.06, 0.1), rng.uniform(0.08, 0.13)
    score = _score(breath + tone)
    count, start = len(score.gain), round(breath / FRAME)
    place = np.linspace(0, 1, count - start)
    score.pitch[start:] = pitch * (1.06 - 0.2 * place + 0.08 * np.sin(np.pi * place))
    score.breath[start:] = 0.12 + 0.5 * place**2
    score.gain[:start] = 0.22 * np.linspace(0.2, 1, start)
    score.gain[start:] = gain * np.sin(np.pi * (0.15 + 0.8 * place)) ** 0.7
    voiced = (np.arange(count) >= start).astype(float)
    score.colour = {vowel: voiced, "h": 1 - voiced}
    return _sounded(voice, score, rng)


def sigh(voice: Timbre, rng: np.random.Generator) -> Audio:
    """A breath out, voiced at first or not at all, 0.8 to 1.4 s."""
    score = _score(rng.uniform(0.8, 1.4))
    place = np.linspace(0, 1, len(score.gain))
    turn = rng.choice([0.0, rng.uniform(0.25, 0.5)])  # where the voice has gone
    voiced = place < turn
    score.pitch[voiced] = voice.pitch * (1.15 - 0.5 * place[voiced])
    score.breath = np.clip(0.45 + place * 2, 0, 1)
    score.gain = 0.55 * np.minimum(place / 0.12, 1) ** 1.5 * np.exp(-2.4 * np.maximum(place - 0.12, 0))
    score.colour = {"ɑ": 1 - 0.7 * place, "h": 0.7 * place}
    score.dark = 1.5 + 3.0 * place
    return _sounded(voice, score, rng)


def gasp(voice: Timbre, rng: np.random.Generator) -> Audio:
    """A breath drawn in, and a stop, 0.4 to 0.6 s."""
    stop = np.zeros(round(rng.uniform(0.08, 0.15) * SAMPLE_RATE), np.float32)
    return np.concatenate([_drawn_in(voice, rng.uniform(0.3, 0.45), rng.uniform(0.55, 0.8), rng), stop])


def _drawn_in(voice: Timbre, seconds: float, gain: float, rng: np.random.Generator) -> Audio:
    score = _score(seconds)
    place = np.linspace(0, 1, len(score.gain))
    if rng.random() < 0.5:
        score.pitch[:] = voice.pitch * rng.uniform(1.5, 2.0) * (1 + 0.25 * place)
    score.breath[:] = 0.8
    score.gain = gain * place**1.3 * np.minimum((1 - place) / 0.06, 1)
    score.colour = {"h": np.full(len(place), 0.6), "ɑ": np.full(len(place), 0.4)}
    score.dark = -2.5 * place  # brighter, as the throat opens
    return _sounded(voice, score, rng)


def clear_throat(voice: Timbre, rng: np.random.Generator) -> Audio:
    """Twice pressed out, 0.6 to 0.9 s."""
    gap = np.zeros(round(rng.uniform(0.04, 0.09) * SAMPLE_RATE), np.float32)
    return np.concatenate(
        [_pressed(voice, rng.uniform(0.16, 0.24), 0.7, rng), gap, _pressed(voice, rng.uniform(0.28, 0.42), 0.85, rng)]
    )


def _pressed(voice: Timbre, seconds: float, gain: float, rng: np.random.Generator) -> Audio:
    score = _score(seconds)
    count = len(score.gain)
    place = np.linspace(0, 1, count)
    score.pitch = 0.6 * voice.pitch * (1.15 - 0.35 * place) * np.exp(rng.normal(0, 0.12, count))
    score.breath = np.full(count, rng.uniform(0.45, 0.65))
    rough = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(24, 34) * np.arange(count) * FRAME + rng.uniform(0, 6))
    score.gain = gain * np.sin(np.pi * np.clip(0.08 + 0.92 * place, 0, 1)) ** 0.5 * rough / 1.5
    score.colour = {"ʌ": 1 - place**2, "m": place**2}
    return _sounded(voice, score, rng)


def _sounded(voice: Timbre, score: Score, rng: np.random.Generator) -> Audio:
    """The score in a voice."""
    world = require("pyworld")
    total = np.maximum(sum(score.colour.values()), 1e-6)
    fallback = voice.envelopes.get("ə", next(iter(voice.envelopes.values())))
    logs: Any = sum(
        (share / total)[:, None] * np.log(voice.envelopes.get(phoneme, fallback))
        for phoneme, share in score.colour.items()
    )
    # a voice that stood still would buzz
    drift = np.apply_along_axis(
        lambda row: np.convolve(row, np.hanning(9) / 4, "same"), 0, rng.normal(0, 0.25, logs.shape)
    )
    logs = logs + drift - score.dark[:, None] * voice.tilt
    flat = np.exp(logs - logs.mean(1, keepdims=True))
    power = flat / flat.sum(1, keepdims=True) * flat.shape[1] * 1e-3
    breath = np.clip(score.breath[:, None] ** 0.5 + 0.4 * voice.tilt, 0, 1 - 1e-6)
    audio = world.synthesize(
        np.ascontiguousarray(score.pitch),
        np.ascontiguousarray(power),
        np.ascontiguousarray(breath),
        SAMPLE_RATE,
        1000 * FRAME,
    )
    times = np.arange(len(audio)) / SAMPLE_RATE / FRAME
    shape = np.interp(times, np.arange(len(score.gain)), score.gain)
    window = np.ones(240) / 240
    own = np.sqrt(np.convolve(audio**2, window, "same")) + 1e-4 * np.abs(audio).max() + 1e-9
    loudness = np.interp(np.arange(len(own)), np.arange(0, len(own), 240), own[::240])
    level = audio / np.maximum(loudness, 0.3 * np.median(loudness)) * shape * voice.level
    edge = min(120, len(level) // 4)
    level[:edge] *= np.linspace(0, 1, edge)
    level[-edge:] *= np.linspace(1, 0, edge)
    return np.clip(level, -1, 1).astype(np.float32)


SOUNDS: dict[str, Callable[[Timbre, np.random.Generator], Audio]] = {
    "[laughs]": laugh,
    "[laughter]": laugh,
    "[sighs]": sigh,
    "[gasps]": gasp,
    "[clears throat]": clear_throat,
}
