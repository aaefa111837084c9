"""How high a voice is, and how much of audio has a pitch at all."""

from __future__ import annotations

import numpy as np
import pytest

from bark.audio.pitch import median_pitch, voiced_share

RATE = 24_000
TIME = np.arange(2 * RATE) / RATE


def buzz(hertz: float) -> np.ndarray:
    return np.sum([np.sin(2 * np.pi * k * hertz * TIME) / k for k in range(1, 10)], axis=0).astype(np.float32)


@pytest.mark.parametrize("hertz", [80.0, 130.0, 220.0, 350.0])
def test_pitch_of_a_buzz(hertz: float) -> None:
    assert median_pitch(buzz(hertz), RATE) == pytest.approx(hertz, rel=0.01)
    assert voiced_share(buzz(hertz), RATE) == 1.0


def test_of_noise_and_of_nothing() -> None:
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    assert median_pitch(noise, RATE) is None
    assert voiced_share(noise, RATE) == voiced_share(noise[:10], RATE) == voiced_share(0 * noise, RATE) == 0.0


def test_silence_does_not_count() -> None:
    half = buzz(130.0) * (TIME < 1)
    assert voiced_share(half, RATE) > 0.9
    assert 0.4 < voiced_share(half + 0.5 * (TIME >= 1) * np.random.default_rng(0).normal(size=len(TIME)), RATE) < 0.6
