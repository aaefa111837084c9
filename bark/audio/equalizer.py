"""A tone control of many bands, and how to set it so that one voice sounds like another recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bark.audio.bandwidth import EDGE, bandwidth
from bark.audio.filter import Filter, Floats64
from bark.audio.samples import Audio
from bark.errors import AudioError

Gains = npt.NDArray[np.float32]

BANDS_PER_OCTAVE = 8
FREQUENCIES = 100.0 * 2.0 ** (np.arange(54) / BANDS_PER_OCTAVE)  # Hz, up to 9.9 kHz
MOST = 10.0  # dB by which a spectrum is bent at most
WIDTH = 0.12  # octaves, the standard deviation of the window that spectra are compared through
WINDOW, HOP = 1024 / 24_000, 256 / 24_000  # seconds
LOUD = 0.6  # the share of frames, the loudest, that are speech for sure
TAPS = 1024 / 24_000  # seconds of the filter
GRID = 4  # points of a spectrum for each tap, so that the cepstrum doesn't wrap around


class Equalizer:
    """A filter of least delay (minimum phase) for one stream; the pieces, joined, are the whole filtered at once.

    Args:
        gains: dB at `FREQUENCIES`; below the first and above the last they stay.
        sample_rate: Hz.
    """

    def __init__(self, gains: Gains, sample_rate: int) -> None:
        self._filter = Filter(_taps(np.asarray(gains, dtype=np.float64), sample_rate))

    def push(self, audio: Audio) -> Audio:
        """As many samples [T] as come."""
        return self._filter.push(audio).astype(np.float32)


def matching(audio: Audio, wanted: Audio, sample_rate: int) -> Gains:
    """The gains by which some speech has the long-term average spectrum of another's, at the level that it has.

    Args:
        audio: [T], some ten seconds.
        wanted: [T'], as much. What lies above its bandwidth goes the way of what is just below.
        sample_rate: Hz, of both.

    Returns:
        dB at `FREQUENCIES`, within `MOST`.

    Raises:
        AudioError: one of them is too short, or silent.
    """
    hertz, own = _spectrum(audio, sample_rate)
    _, other = _spectrum(wanted, sample_rate)
    apart = 10 * np.log10(other / own)
    octaves = np.log2(hertz[:, None] / FREQUENCIES)
    weights = np.exp(-0.5 * (octaves / WIDTH) ** 2) / hertz[:, None]  # by octaves, not by Hz
    gains = (weights * apart[:, None]).sum(0) / weights.sum(0)
    reach = min(bandwidth(audio, sample_rate), bandwidth(wanted, sample_rate)) - EDGE
    last = max(1, int(np.searchsorted(FREQUENCIES, reach / 2 ** (2 * WIDTH))))
    gains[last:] = gains[last - 1]  # what wasn't recorded is no matter of the voice
    for _ in range(8):  # what is cut off changes the level, and the level what is cut off
        power = own * 10 ** (_at(hertz, gains) / 10)
        gains = np.clip(gains - 10 * np.log10(power.sum() / own.sum()), -MOST, MOST)
    rounded: Gains = gains.astype(np.float32)
    return rounded


def _spectrum(audio: Audio, sample_rate: int) -> tuple[Floats64, Floats64]:
    """Frequencies above 0, and the mean power there of the loudest frames."""
    size, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    if len(audio) < size:
        raise AudioError(f"a spectrum needs {WINDOW:.2f} s of audio at least, not {len(audio) / sample_rate:.3f} s")
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), size)[::hop] * np.hanning(size)
    powers = np.abs(np.fft.rfft(frames)[:, 1:]) ** 2
    levels = powers.sum(1)
    mean = powers[levels >= np.quantile(levels, 1 - LOUD)].mean(0)
    if not mean.max() > 0:
        raise AudioError("of silence there is no spectrum")
    hertz = np.asarray(np.fft.rfftfreq(size, 1 / sample_rate)[1:], dtype=np.float64)
    return hertz, np.maximum(mean, mean.max() * 1e-9)


def _at(hertz: Floats64, gains: npt.NDArray[np.floating[Any]]) -> Floats64:
    """Gains at other frequencies: between two they go straight by octaves."""
    gains_there: Floats64 = np.interp(np.log2(hertz), np.log2(FREQUENCIES), gains)
    return gains_there


def _taps(gains: Floats64, sample_rate: int) -> Floats64:
    """The filter's response: the cepstrum of its gain, folded onto its causal side (Oppenheim and Schafer)."""
    count = round(TAPS * sample_rate)
    size = GRID * count
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    log_gain = _at(np.maximum(hertz, 1.0), gains) * np.log(10) / 20
    cepstrum = np.fft.irfft(log_gain, size)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), size)[:count]
    fading = 0.5 + 0.5 * np.cos(np.pi * np.arange(count) / count)
    return response * np.sqrt(fading)
