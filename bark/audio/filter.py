"""A filter of finite response for one stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bark.audio.samples import Audio

Floats64 = npt.NDArray[np.float64]


class Filter:
    """Convolves what comes with a response, by overlapping and adding; the pieces, joined, are the whole filtered.

    Args:
        response: [N].
    """

    def __init__(self, response: Floats64) -> None:
        self._response = response
        self._tail = np.zeros(len(response) - 1)

    def push(self, audio: Audio) -> Floats64:
        """Takes audio [T], gives as much."""
        length = len(audio) + len(self._tail)
        size = 1 << (length - 1).bit_length()
        spectrum = np.fft.rfft(audio.astype(np.float64), size) * np.fft.rfft(self._response, size)
        filtered: Floats64 = np.fft.irfft(spectrum, size)[:length]
        filtered[: len(self._tail)] += self._tail
        self._tail = filtered[len(audio) :]
        return filtered[: len(audio)]
