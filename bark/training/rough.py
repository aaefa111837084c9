"""Clean speech made to sound like a cheap recording, so that a codec has codes for that too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

NARROWEST, WIDEST = 3400.0, 11_000.0  # Hz, of the band that is left
LOUDEST, SOFTEST = 12.0, 45.0  # dB of the voice over the noise
FADE = 200.0  # Hz over which the band ends
REFLECTIONS = 0.03, 0.25  # seconds in which the room's sound falls by 60 dB


def roughened(audio: npt.NDArray[np.floating], sample_rate: int, rng: np.random.Generator) -> FloatArray:
    """The same speech at the same times: in a room (one time in three), with noise behind it, in a narrower band.

    Args:
        audio: [N] in [−1, 1].
        sample_rate: Hz.
        rng: decides how rough.
    """
    rough = audio.astype(np.float64)
    if rng.random() < 1 / 3:
        rough = _in_a_room(rough, sample_rate, rng)
    level = float(np.sqrt(np.square(rough).mean()))
    rough = rough + level * 10 ** (-rng.uniform(LOUDEST, SOFTEST) / 20) * _noise(len(rough), rng)
    return _banded(rough, sample_rate, rng.uniform(NARROWEST, WIDEST))


def _in_a_room(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    """Convolved with a burst that decays exponentially, after the direct sound."""
    decay = rng.uniform(*REFLECTIONS)
    times = np.arange(int(decay * sample_rate)) / sample_rate
    burst = rng.normal(size=len(times)) * 10 ** (-3 * times / decay)
    burst *= 10 ** (-rng.uniform(6, 18) / 20) / np.sqrt(np.square(burst).sum())
    burst[0] = 1.0
    size = len(audio) + len(burst)
    return np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(burst, size), size)[: len(audio)]


def _noise(samples: int, rng: np.random.Generator) -> FloatArray:
    """Of variance 1, between white and pink."""
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** -rng.uniform(0, 0.5)
    noise = np.fft.irfft(spectrum, samples)
    return noise / max(float(noise.std()), 1e-9)


def _banded(audio: FloatArray, sample_rate: int, edge: float) -> FloatArray:
    """Without what is above an edge in Hz."""
    frequencies = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    gains = np.clip((edge - frequencies) / FADE, 0, 1)
    return np.fft.irfft(np.fft.rfft(audio) * gains, len(audio))
