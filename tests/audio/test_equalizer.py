"""A tone control: what it does to which frequencies, and how it is set."""

from __future__ import annotations

import numpy as np
import pytest

from bark.audio.equalizer import FREQUENCIES, MOST, Equalizer, Gains, matching
from bark.audio.resample import resample
from bark.audio.samples import Audio
from bark.errors import AudioError

RATE = 24_000
SMOOTH: Gains = (4 * np.sin(np.arange(54) / 6)).astype(np.float32)


def noise(seconds: float = 4.0, seed: int = 0) -> Audio:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_each_band_has_its_gain(rate: int) -> None:
    impulse = np.zeros(rate, np.float32)
    impulse[0] = 1
    response = np.abs(np.fft.rfft(Equalizer(SMOOTH, rate).push(impulse)))
    there = [(round(hertz), gain) for hertz, gain in zip(FREQUENCIES, SMOOTH, strict=True) if hertz < rate / 2]
    for hertz, gain in there:
        assert 20 * np.log10(response[hertz]) == pytest.approx(gain, abs=0.4)


def test_no_gain_changes_nothing() -> None:
    audio = noise(0.5)
    np.testing.assert_allclose(Equalizer(np.zeros(54, np.float32), RATE).push(audio), audio, atol=1e-7)


def test_the_same_gain_everywhere_is_a_gain() -> None:
    audio = noise(0.5)
    np.testing.assert_allclose(Equalizer(np.full(54, 6.0, np.float32), RATE).push(audio), audio * 1.9953, rtol=1e-4)


def test_pieces_are_the_whole() -> None:
    audio = noise()
    equalizer = Equalizer(SMOOTH, RATE)
    pieces = [equalizer.push(piece) for piece in np.split(audio, [0, 1, 7, 7, 500, 3000, 90_000])]
    assert [len(piece) for piece in pieces] == [0, 1, 6, 0, 493, 2500, 87_000, len(audio) - 90_000]
    whole = np.concatenate(pieces)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, Equalizer(SMOOTH, RATE).push(audio), atol=1e-7)


def test_nothing_comes_before_its_time() -> None:
    impulse = np.zeros(4800, np.float32)
    impulse[2400] = 1
    heard = Equalizer(SMOOTH, RATE).push(impulse)
    assert np.abs(heard[:2400]).max() < 1e-7
    power = np.cumsum(np.square(heard[2400:]))
    assert power[48] > 0.9 * power[-1]  # most of it within 2 ms


@pytest.mark.parametrize("loudness", [0.01, 3.0])
def test_gains_are_found(loudness: float) -> None:
    toned = Equalizer(SMOOTH, RATE).push(noise(seed=1)) * np.float32(loudness)
    found = matching(noise(), toned, RATE)
    apart = found - SMOOTH
    low = 8  # bands that a frame of 43 ms hardly tells apart
    assert np.abs(apart - apart.mean())[low:].max() < 1.0


def test_the_level_stays() -> None:
    audio = noise()
    toned = Equalizer(matching(audio, Equalizer(SMOOTH, RATE).push(audio), RATE), RATE).push(audio)
    assert np.square(toned).mean() == pytest.approx(np.square(audio).mean(), rel=0.05)


def test_it_is_bent_only_so_far() -> None:
    steep = np.linspace(30, -30, 54, dtype=np.float32)
    gains = matching(noise(), Equalizer(steep, RATE).push(noise(seed=1)), RATE)
    assert gains.max() == pytest.approx(MOST)
    assert -MOST <= gains.min() < -1


def test_what_was_never_recorded_is_left_alone() -> None:
    narrow = resample(resample(noise(), RATE, 8000), 8000, RATE)
    gains = matching(noise(seed=1), Equalizer(SMOOTH, RATE).push(narrow), RATE)
    assert np.ptp(gains[FREQUENCIES > 3500]) < 0.01
    apart = (gains - SMOOTH)[8 : int(np.argmax(FREQUENCIES > 2800))]
    assert np.abs(apart - apart.mean()).max() < 1.0


def test_of_silence_or_a_click_there_is_no_spectrum() -> None:
    with pytest.raises(AudioError, match="of silence there is no spectrum"):
        matching(np.zeros(RATE, np.float32), noise(), RATE)
    with pytest.raises(AudioError, match=r"needs 0\.04 s of audio at least, not 0\.010 s"):
        matching(noise(), noise(0.01), RATE)
