"""How high a voice is."""

from __future__ import annotations

import numpy as np

from bark.audio.samples import Audio

LOWEST, HIGHEST = 65.0, 400.0  # Hz
WINDOW, HOP = 0.05, 0.02  # seconds; three periods of the lowest
PERIODIC = 0.6  # of a frame's power that comes again a period later, if it is voiced
NEAR_BEST = 0.9  # of the best lag's: the shortest so good is the period, the others are multiples
LOUD = 0.05  # of the loudest frame's power


def median_pitch(audio: Audio, sample_rate: int) -> float | None:
    """The median fundamental frequency of what is voiced, in Hz, by autocorrelation; None if nothing is.

    Args:
        audio: [T].
        sample_rate: Hz.
    """
    found = [sample_rate / period for period in _periods(audio, sample_rate) if period is not None]
    return float(np.median(found)) if found else None


def voiced_share(audio: Audio, sample_rate: int) -> float:
    """Which share of what is loud is voiced, 0 to 1.

    Args:
        audio: [T].
        sample_rate: Hz.
    """
    periods = _periods(audio, sample_rate)
    return sum(period is not None for period in periods) / max(1, len(periods))


def _periods(audio: Audio, sample_rate: int) -> list[int | None]:
    """The period of each loud frame in samples, None of those that are not voiced."""
    size, step = round(WINDOW * sample_rate), round(HOP * sample_rate)
    if len(audio) < size:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[::step].astype(np.float64)
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.square(frames).sum(axis=1)
    frames = frames[power > max(LOUD * power.max(), 1e-9)]
    shortest, longest = int(sample_rate / HIGHEST), int(sample_rate / LOWEST)
    found = (_period(row[shortest : longest + 1]) for row in _autocorrelation(frames))
    return [None if period is None else shortest + period for period in found]


def _autocorrelation(frames: Audio) -> Audio:
    """Of frames [N, W], by lag: [N, W]; 1 for no lag. What a lag leaves out of a frame is made up for."""
    size = frames.shape[1]
    spectrum = np.fft.rfft(frames, 2 * size)
    products = np.fft.irfft(np.abs(spectrum) ** 2)[:, :size] / (1 - np.arange(size) / size)
    scaled: Audio = products / np.maximum(products[:, :1], 1e-12)
    return scaled


def _period(likeness: Audio) -> int | None:
    """The first peak that is nearly as high as any."""
    best = likeness.max()
    if best < PERIODIC:
        return None
    inner = likeness[1:-1]
    peaks = np.flatnonzero((inner >= likeness[:-2]) & (inner >= likeness[2:]) & (inner >= NEAR_BEST * best))
    return int(peaks[0]) + 1 if len(peaks) else None
