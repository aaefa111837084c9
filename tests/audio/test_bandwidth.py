"""How far up audio reaches, and what is put where it doesn't."""

from __future__ import annotations

import numpy as np
import pytest

from bark.audio.bandwidth import bandwidth, filled
from bark.audio.resample import resample
from bark.audio.samples import Audio

RATE = 24_000


def sound(rate: int, seconds: float = 3.0) -> Audio:
    """Noise as loud in every half second as speech may be."""
    rng = np.random.default_rng(0)
    count = round(seconds * rate)
    return (0.1 * rng.normal(size=count) * (1.1 + np.sin(2 * np.pi * 2 * np.arange(count) / rate))).astype(np.float32)


def powers(audio: Audio, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(audio)) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / RATE)
    return float(10 * np.log10(spectrum[(hertz >= low) & (hertz < high)].mean()))


@pytest.mark.parametrize("rate", [8000, 16_000, 20_000])
def test_what_was_recorded_at_a_lower_rate_reaches_half_of_it(rate: int) -> None:
    found = bandwidth(resample(sound(rate), rate, RATE), RATE)
    assert 0.9 * rate / 2 < found < 1.1 * rate / 2


def test_full_audio_is_left_as_it_is() -> None:
    audio = sound(RATE)
    assert bandwidth(audio, RATE) > 11_000
    assert filled(audio, RATE) is audio


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_what_is_missing_is_filled_and_the_rest_kept(rate: int) -> None:
    audio = resample(sound(rate), rate, RATE)
    full = filled(audio, RATE)
    assert full.dtype == np.float32 and full.shape == audio.shape
    below, above = powers(audio, 500, 0.4 * rate), powers(full, rate / 2 + 200, 11_000)
    assert powers(audio, rate / 2 + 500, 11_000) < below - 50
    assert below - 25 < above < below
    lost = powers(full - audio, 100, 0.4 * rate)
    assert lost < below - 50


def test_it_follows_the_loudness() -> None:
    audio = resample(sound(16_000), 16_000, RATE)
    audio[RATE:] *= 0.01
    high = np.fft.irfft(np.fft.rfft(filled(audio, RATE)) * (np.fft.rfftfreq(len(audio), 1 / RATE) > 8500))
    assert np.abs(high[RATE + 2000 :]).max() < 0.05 * np.abs(high[: RATE - 2000]).max()


def test_it_is_always_the_same() -> None:
    audio = resample(sound(16_000), 16_000, RATE)
    np.testing.assert_array_equal(filled(audio, RATE), filled(audio, RATE))


@pytest.mark.parametrize("count", [0, 1, 100, 960, 24_001])
def test_any_length(count: int) -> None:
    audio = resample(sound(16_000), 16_000, RATE)[:count]
    assert filled(audio, RATE).shape == (count,)
    assert not filled(np.zeros(count, np.float32), RATE).any()
