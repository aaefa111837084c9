"""Faster and slower at the same pitch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.audio.stretch import StretchStream, check_speed, stretch
from bark.errors import AudioError, BarkError, OptionError

pytest.importorskip("av")
RATE = 24_000


def voice(seconds: float = 2.0, pitch: float = 140.0) -> np.ndarray:
    """A buzz with formants' worth of harmonics, in syllables, [T]."""
    time = np.arange(round(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 20))
    return (0.2 * waves * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)


def pitch_of(audio: np.ndarray) -> float:
    """Hz, by the strongest period of 70 to 400 Hz."""
    spectrum = np.abs(np.fft.rfft(audio, 2 * len(audio))) ** 2
    likeness = np.fft.irfft(spectrum)[: RATE // 70]
    shortest = RATE // 400
    return RATE / (shortest + int(likeness[shortest:].argmax()))


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.7, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0])
def test_the_length_is_exact_and_the_pitch_is_kept(speed: float) -> None:
    audio = voice()
    stretched = stretch(audio, RATE, speed)
    assert stretched.dtype == np.float32
    assert len(stretched) == round(len(audio) / speed)
    assert pitch_of(stretched) == pytest.approx(140, rel=0.02)
    assert np.std(stretched) == pytest.approx(np.std(audio), rel=0.15)


@pytest.mark.parametrize("speed", [0.25, 0.7, 2.0, 4.0])
def test_what_is_in_the_middle_stays_there(speed: float) -> None:
    audio = voice() * 0.01
    audio[23_000:25_000] *= 50
    stretched = np.abs(stretch(audio, RATE, speed))
    loud = np.flatnonzero(stretched > 0.05)
    assert loud.mean() / len(stretched) == pytest.approx(0.5, abs=0.03)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([0.3, 0.9, 1.0, 1.5, 3.3]), st.lists(st.integers(0, 9000), max_size=8))
def test_pieces_give_what_the_whole_gives(speed: float, sizes: list[int]) -> None:
    audio = voice(1.0)
    stream = StretchStream(RATE, speed)
    parts = [stream.push(part) for part in np.split(audio, np.minimum(np.cumsum([0, *sizes]), len(audio)))]
    np.testing.assert_array_equal(np.concatenate([*parts, stream.finish()]), stretch(audio, RATE, speed))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.25, 4), st.lists(st.integers(0, 5000), max_size=4))
def test_any_length_is_exact(speed: float, sizes: list[int]) -> None:
    stream = StretchStream(RATE, speed)
    given = sum(sizes)
    made = sum(len(stream.push(voice(1.0)[:size])) for size in sizes) + len(stream.finish())
    assert made == round(given / speed)


def test_it_comes_while_it_is_made() -> None:
    stream = StretchStream(RATE, 1.5)
    ready = sum(len(stream.push(part)) for part in np.array_split(voice(), 50))
    assert ready > 0.9 * 2 * RATE / 1.5


def test_nothing_and_little() -> None:
    assert len(stretch(np.zeros(0, np.float32), RATE, 2)) == 0
    for samples in (1, 7, 500):
        assert len(stretch(voice()[:samples], RATE, 0.25)) == 4 * samples


def test_what_makes_no_sense_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for speed in (0.2, 4.1, float("nan"), -1.0):
        with pytest.raises(OptionError, match=r"a speed is 0\.25 to 4, not"):
            check_speed(speed)
    with pytest.raises(AudioError, match="not finite"):
        stretch(np.array([np.nan]), RATE, 2)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BarkError, match=r"another speed needs PyAV.*openbark\[formats\]"):
        check_speed(1.5)
    assert check_speed(1) == 1
