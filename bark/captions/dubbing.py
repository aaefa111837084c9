"""Lines spoken to fit their times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np

from bark.captions.cue import Cue
from bark.captions.sound import FloatArray, Sound
from bark.errors import OptionError, warn

T = TypeVar("T")
Speak = Callable[[Cue], FloatArray]
Stretch = Callable[[FloatArray, int, float], FloatArray]

MARGIN = 0.05  # seconds of silence left before and after a line
GAP = 0.05  # seconds between two lines that follow at once
PIECE = 10.0  # seconds of silence at a time


@dataclass(frozen=True)
class Limits:
    """How much faster or slower a line may be spoken.

    Attributes:
        slowest: of a line that would end before its cue.
        fastest: of a line that would not end before the next begins.

    Raises:
        OptionError: nothing lies between them, or not 1.
    """

    slowest: float = 0.8
    fastest: float = 1.5

    def __post_init__(self) -> None:
        if not 0.1 <= self.slowest <= 1.0 <= self.fastest <= 10.0:
            raise OptionError(
                f"speeds must be from 0.1 to 1 for the slowest and from 1 to 10 for the fastest, "
                f"not {self.slowest:g} and {self.fastest:g}"
            )


@dataclass(frozen=True)
class Fit:
    """How a line fits its time.

    Attributes:
        index: of the cue, from 0 on.
        cue: that was to be said.
        start: seconds at which it begins: with its cue, or once the line before it ends.
        natural: seconds that it takes unhurried.
        available: seconds until the next cue; None if there is none.
        speed: that it is spoken at; 2 takes half the time.
    """

    index: int
    cue: Cue
    start: float
    natural: float
    available: float | None
    speed: float

    @property
    def end(self) -> float:
        """Seconds at which it ends."""
        return self.start + self.natural / self.speed

    @property
    def late(self) -> float:
        """Seconds by which it runs into the time of the next."""
        return 0.0 if self.available is None else max(0.0, self.natural / self.speed - self.available)


def fit(index: int, cue: Cue, natural: float, begin: float, following: float | None, limits: Limits) -> Fit:
    """The speed of a line: its own if it ends between its cue's end and the next cue, else as near to that as may be.

    Args:
        index: of the cue.
        cue: to be said.
        natural: seconds that it takes unhurried.
        begin: seconds at which the line before it ends; it begins no sooner.
        following: seconds at which the next cue begins; None if there is none.
        limits: of the speed.
    """
    start = max(cue.start, begin)
    available = None if following is None else max(0.0, following - start - GAP)
    longest = math.inf if available is None else available
    if natural > longest:
        speed = min(limits.fastest, natural / longest) if longest > 0 else limits.fastest
    else:
        wanted = min(max(cue.end - start, natural), longest)
        speed = max(limits.slowest, natural / wanted) if natural > 0 else 1.0
    return Fit(index, cue, start, natural, available, speed)


def plan(cues: Iterable[Cue], seconds: Iterable[float], limits: Limits | None = None) -> list[Fit]:
    """How lines that take so many seconds fit their cues; see `fit`. A line that runs late delays the next.

    Warns:
        BarkWarning: of each line that even the greatest speed doesn't fit.
    """
    fits: list[Fit] = []
    begin = 0.0
    pairs = enumerate(zip(cues, seconds, strict=True))
    for (index, (cue, natural)), after in _with_next(pairs):
        following = None if after is None else after[1][0].start
        fits.append(fit(index, cue, natural, begin, following, limits or Limits()))
        begin = fits[-1].end + GAP
        tell(fits[-1])
    return fits


def dub(
    cues: Iterable[Cue], speak: Speak, stretch: Stretch, sample_rate: int, limits: Limits | None = None
) -> Iterator[FloatArray | Fit]:
    """Audio that says each cue in its time, in pieces, from the beginning of time; after those of a line its `Fit`.

    Args:
        cues: in the order of time.
        speak: gives the audio [T] of a cue.
        stretch: gives audio at a speed, of the same pitch; called with audio, sample rate and speed.
        sample_rate: Hz.
        limits: of the speed.

    Warns:
        BarkWarning: of each line that even the greatest speed doesn't fit.
    """
    written = 0
    for (index, cue), after in _with_next(enumerate(cues)):
        audio = trimmed(speak(cue), sample_rate)
        begin = written / sample_rate + (GAP if written else 0.0)
        following = None if after is None else after[1].start
        found = fit(index, cue, len(audio) / sample_rate, begin, following, limits or Limits())
        if len(audio) and abs(found.speed - 1.0) > 0.01:
            audio = stretch(audio, sample_rate, found.speed)
        yield from _silence(round(found.start * sample_rate) - written, sample_rate)
        yield audio
        written = max(written, round(found.start * sample_rate)) + len(audio)
        tell(found)
        yield found


def trimmed(audio: FloatArray, sample_rate: int) -> FloatArray:
    """The audio without the silence at either end, but for a twentieth of a second."""
    sound = Sound(audio, sample_rate)
    start, end = sound.start - MARGIN, sound.end + MARGIN
    return audio[max(0, round(start * sample_rate)) : round(end * sample_rate)] if sound.end else audio[:0]


def tell(found: Fit) -> None:
    """Warns of a line that runs late."""
    if found.late > 1e-3:
        where = f"cue {found.index + 1} at {found.cue.start:g} s ({found.cue.text[:40]!r})"
        warn(
            f"{where} takes {found.natural:.1f} s, but has {found.available:.1f} s: "
            f"at {found.speed:g} times the speed it still ends {found.late:.1f} s late",
        )


def _with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """Each with the one after it; the last with None."""
    for item, after in pairwise(chain(items, [None])):
        assert item is not None
        yield item, after


def _silence(samples: int, sample_rate: int) -> Iterator[FloatArray]:
    piece = round(PIECE * sample_rate)
    while samples > 0:
        yield np.zeros(min(samples, piece), np.float32)
        samples -= piece
