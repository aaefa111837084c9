"""Where audio is silent, and how shares of sound fall on time."""

from __future__ import annotations

import numpy as np
import pytest

from bark.captions.sound import Sound

RATE = 24_000


def tone(*parts: tuple[float, float]) -> np.ndarray:
    """Audio of parts: seconds, and how loud."""
    pieces = [level * np.sin(np.arange(round(seconds * RATE)) * 0.1) for seconds, level in parts]
    return np.concatenate(pieces).astype(np.float32)


def test_edges() -> None:
    sound = Sound(tone((0.3, 0.0), (0.5, 0.5), (0.2, 0.002)), RATE)
    assert (sound.start, sound.end) == (pytest.approx(0.3, abs=0.011), pytest.approx(0.8, abs=0.011))


@pytest.mark.parametrize("audio", [np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(RATE, np.float32)])
def test_silence_has_no_edges(audio: np.ndarray) -> None:
    sound = Sound(audio, RATE)
    assert (sound.start, sound.end) == (0.0, 0.0)
    assert sound.within(0.2, 0.4) == (0.2, 0.4)


def test_within_leaves_out_the_pause_and_what_is_beyond_it() -> None:
    sound = Sound(tone((0.1, 0.0), (0.4, 0.5), (0.5, 0.0), (0.5, 0.5)), RATE)
    assert sound.within(0.0, 1.1) == pytest.approx((0.1, 0.5), abs=0.011)
    assert sound.within(0.2, 0.3) == (0.2, 0.3)


def test_a_plosive_is_no_pause() -> None:
    sound = Sound(tone((0.3, 0.5), (0.1, 0.0), (0.3, 0.5)), RATE)
    assert sound.within(0.0, 0.7) == pytest.approx((0.0, 0.7), abs=0.011)


def test_shares_pass_over_pauses() -> None:
    sound = Sound(tone((0.5, 0.0), (1.0, 0.5), (1.0, 0.0), (1.0, 0.5), (0.5, 0.0)), RATE)
    times = sound.at(np.array([0.0, 0.25, 0.75, 1.0]))
    assert times == pytest.approx([0.5, 1.0, 3.0, 3.5], abs=0.03)


def test_shares_of_silence_are_those_of_time() -> None:
    assert Sound(np.zeros(RATE, np.float32), RATE).at(np.array([0.0, 0.5])) == pytest.approx([0.0, 0.5])
