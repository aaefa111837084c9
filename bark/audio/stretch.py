"""Faster or slower speech at the same pitch, by FFmpeg's `atempo` (WSOLA: waves overlapped where they match best)."""

from __future__ import annotations

import importlib.util
from fractions import Fraction

import numpy as np

from bark.audio.samples import Audio, Floats, as_audio
from bark.errors import BarkError, OptionError

SLOWEST, FASTEST = 0.25, 4.0
BLOCK = 1024  # samples; `atempo` gives a little other results for other blocks


def check_speed(speed: float) -> float:
    """A speed that audio can be stretched to, before the work is done.

    Raises:
        OptionError: it is not from 0.25 to 4.
        BarkError: PyAV is not installed, and the speed is not 1.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise OptionError(f"a speed is {SLOWEST} to {FASTEST:g}, not {speed}")
    if speed != 1 and importlib.util.find_spec("av") is None:
        raise BarkError("another speed needs PyAV, which is not installed: pip install 'openbark[formats]'")
    return speed


class StretchStream:
    """Stretches audio as it comes; a few hundredths of a second are held back."""

    def __init__(self, sample_rate: int, speed: float) -> None:
        """Args:
        sample_rate: Hz.
        speed: 0.25 to 4; 2 is twice as fast.

        Raises:
            OptionError, BarkError: as `check_speed`.
        """
        self._rate, self._speed = sample_rate, check_speed(speed)
        self._read = self._written = 0
        self._waiting = self._ahead = np.empty(0, dtype=np.float32)
        if speed != 1:
            import av

            self._av = av
            self._graph = av.filter.Graph()
            last = self._graph.add_abuffer(
                sample_rate=sample_rate, format="flt", layout="mono", time_base=Fraction(1, sample_rate)
            )
            for step in _steps(speed):
                following = self._graph.add("atempo", repr(step))
                last.link_to(following)
                last = following
            last.link_to(self._graph.add("abuffersink"))
            self._graph.configure()

    def push(self, audio: Floats) -> Audio:
        """Takes audio [T] and gives what is ready of it.

        Raises:
            AudioError: it is not one row of finite floats.
        """
        checked = as_audio(audio)
        if self._speed == 1 or not len(checked):
            return checked
        waiting = np.concatenate([self._waiting, checked])
        whole = len(waiting) // BLOCK * BLOCK
        self._waiting = waiting[whole:]
        return np.concatenate([self._through(waiting[i : i + BLOCK]) for i in range(0, whole, BLOCK)] or [checked[:0]])

    def finish(self) -> Audio:
        """The rest, so that in all there are round(T / speed) samples."""
        if self._speed == 1 or not self._read + len(self._waiting):
            return np.empty(0, dtype=np.float32)
        ready = self._through(self._waiting) if len(self._waiting) else self._waiting
        self._graph.push(None)
        rest = self._pulled()
        missing = round(self._read / self._speed) - self._written
        return np.concatenate([ready, rest, np.zeros(missing, dtype=np.float32)])

    def _through(self, audio: Audio) -> Audio:
        frame = self._av.AudioFrame.from_ndarray(audio[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._read, Fraction(1, self._rate)
        self._read += len(audio)
        self._graph.push(frame)
        return self._pulled()

    def _pulled(self) -> Audio:
        """What is ready, but no more than the length so far: `atempo` may give some too much."""
        parts = [self._ahead]
        while True:
            try:
                parts.append(self._graph.pull().to_ndarray()[0])
            except (BlockingIOError, EOFError):  # until more is pushed; for good
                break
        ready = np.concatenate(parts)
        due = round(self._read / self._speed) - self._written
        ready, self._ahead = ready[:due], ready[due:]
        self._written += len(ready)
        return ready


def stretch(audio: Floats, sample_rate: int, speed: float) -> Audio:
    """Audio [T] at a speed, its pitch kept.

    Args:
        audio: [T].
        sample_rate: Hz.
        speed: 0.25 to 4; 2 is twice as fast.

    Returns:
        [round(T / speed)].

    Raises:
        AudioError: the audio is not one row of finite floats.
        OptionError: the speed is not from 0.25 to 4.
        BarkError: PyAV is not installed.
    """
    stream = StretchStream(sample_rate, speed)
    return np.concatenate([stream.push(audio), stream.finish()])


def _steps(speed: float) -> list[float]:
    """Speeds from 0.5 to 2 with this product: beyond them `atempo` leaves samples out instead of blending."""
    steps = []
    while not 0.5 <= speed <= 2:
        steps.append(0.5 if speed < 1 else 2.0)
        speed /= steps[-1]
    return [*steps, speed]
