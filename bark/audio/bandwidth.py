"""How far up audio reaches, and what a codec that expects all of it can be given instead."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bark.audio.samples import Audio

SIZE = 0.04  # seconds of a frame; the next begins half-way
EMPTY = 60.0  # dB below what is under 4 kHz; nothing was recorded there, or a lossy format left it out
LOUDEST = 0.95  # of the frames are softer there: fricatives are few, but clicks and the ends of the audio fewer
FULL = 0.9  # of half the rate; what reaches so far lacks nothing
EDGE = 400.0  # Hz that a resampler takes to fade out
LEVEL, SLOPE = -3.0, -1.5  # dB of the noise beside the band below it, and for each kHz above
Spectra = npt.NDArray[np.complex128]


def bandwidth(audio: Audio, sample_rate: int) -> float:
    """The frequency, in Hz, above which there is nothing.

    Args:
        audio: [T].
        sample_rate: Hz.
    """
    return _reach(_spectra(audio, _size(sample_rate)), sample_rate)


def filled(audio: Audio, sample_rate: int) -> Audio:
    """Audio [T] with noise where it has nothing, above its bandwidth, as loud as speech is there; else as it is.

    A recording at 16 kHz ends at 8 kHz, and a codec that has learned from sound up to 12 kHz takes that for another
    sound altogether.

    Args:
        audio: [T].
        sample_rate: Hz.
    """
    size = _size(sample_rate)
    spectra = _spectra(audio, size)
    reach = _reach(spectra, sample_rate)
    if not 0 < reach < FULL * sample_rate / 2:
        return audio
    start = max(reach - EDGE, reach / 2)
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    below, above = (hertz >= 0.6 * start) & (hertz < start), hertz >= start
    level = np.sqrt(np.square(np.abs(spectra[:, below])).mean(1, keepdims=True))
    decibels = LEVEL + SLOPE * (hertz[above] - start) / 1000
    noise = np.random.default_rng(0).normal(size=(2, len(spectra), int(above.sum()))) / np.sqrt(2)
    spectra[:, above] = (noise[0] + 1j * noise[1]) * level * 10 ** (decibels / 20)
    return _audio(spectra, size, len(audio))


def _reach(spectra: Spectra, sample_rate: int) -> float:
    power = np.quantile(np.square(np.abs(spectra)), LOUDEST, axis=0)
    hertz = np.linspace(0, sample_rate / 2, len(power))
    floor = power[hertz < 4000].mean() * 10 ** (-EMPTY / 10)
    heard = np.flatnonzero(power > max(floor, 1e-12))
    return float(hertz[heard[-1]]) if len(heard) else 0.0


def _size(sample_rate: int) -> int:
    return 2 * round(SIZE * sample_rate / 2)


def _window(size: int) -> npt.NDArray[np.float64]:
    """Whose square, half-way overlapped, is 1."""
    return np.sin(np.pi * (np.arange(size) + 0.5) / size)


def _spectra(audio: Audio, size: int) -> Spectra:
    hop = size // 2
    padded = np.pad(audio.astype(np.float64), (hop, size + hop - len(audio) % hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * _window(size)
    spectra: Spectra = np.fft.rfft(frames)
    return spectra


def _audio(spectra: Spectra, size: int, length: int) -> Audio:
    hop = size // 2
    frames = np.fft.irfft(spectra, size) * _window(size)
    out = np.zeros((len(frames) + 1) * hop)
    out[: len(frames) * hop] += frames[:, :hop].reshape(-1)
    out[hop:] += frames[:, hop:].reshape(-1)
    return out[hop : hop + length].astype(np.float32)
