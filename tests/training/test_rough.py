"""Speech made to sound like a cheap recording: still the same speech, at the same time."""

from __future__ import annotations

import numpy as np
import pytest

from bark.training.rough import roughened

RATE = 24_000


@pytest.mark.parametrize("seed", range(12))
def test_the_same_sound_with_noise_and_no_highs(seed: int) -> None:
    times = np.arange(RATE) / RATE
    clean = 0.2 * np.sin(2 * np.pi * 440 * times) * (np.sin(2 * np.pi * 3 * times) > 0)
    rough = roughened(clean, RATE, np.random.default_rng(seed))
    assert rough.shape == clean.shape
    assert np.isfinite(rough).all()
    assert np.corrcoef(rough, clean)[0, 1] > 0.8
    power = np.square(np.abs(np.fft.rfft(rough)))
    assert power[11_300:].sum() < 1e-6 * power.sum()  # 1 Hz a bin


def test_silence_stays_silent() -> None:
    assert not roughened(np.zeros(4800), RATE, np.random.default_rng(0)).any()


def test_the_same_draws_give_the_same() -> None:
    audio = np.random.default_rng(1).normal(size=4800) * 0.1
    first, again = (roughened(audio, RATE, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
