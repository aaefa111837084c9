"""Other sample rates, by the SoX resampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bark.audio.samples import Audio

if TYPE_CHECKING:
    import soxr


class ResampleStream:
    """Converts audio as it comes; the pieces put together are what the whole would give."""

    def __init__(self, input_rate: int, output_rate: int) -> None:
        self._rates = input_rate, output_rate
        self._stream = None if input_rate == output_rate else _sox(input_rate, output_rate)
        self._read = self._written = 0

    def push(self, audio: Audio) -> Audio:
        """Takes audio [T] and gives what is ready of it at the other rate."""
        self._read += len(audio)
        if self._stream is None or not len(audio):
            return audio
        converted: Audio = self._stream.resample_chunk(audio)
        self._written += len(converted)
        return converted

    def finish(self) -> Audio:
        """The rest, so that in all there are round(T × output rate / input rate) samples."""
        if self._stream is None or not self._read:
            return np.empty(0, dtype=np.float32)
        rest = self._stream.resample_chunk(np.empty(0, dtype=np.float32), last=True)
        missing = resampled_length(self._read, *self._rates) - self._written
        padded: Audio = np.pad(rest, (0, max(0, missing - len(rest))))[:missing]
        return padded


def _sox(input_rate: int, output_rate: int) -> soxr.ResampleStream:
    import soxr  # few callers want another rate

    return soxr.ResampleStream(input_rate, output_rate, 1)


def resampled_length(samples: int, input_rate: int, output_rate: int) -> int:
    """How many samples as many become; halves are rounded up."""
    return (2 * samples * output_rate + input_rate) // (2 * input_rate)


def resample(audio: Audio, input_rate: int, output_rate: int) -> Audio:
    """Audio [T] at another rate, [round(T × output rate / input rate)]."""
    stream = ResampleStream(input_rate, output_rate)
    return np.concatenate([stream.push(audio), stream.finish()])
