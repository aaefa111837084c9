"""Loudness, against the values of the standards and another program."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.audio.loudness import BLOCK, BROADCAST, Meter, gain_to, levelled, measure, normalize
from bark.audio.writer import open_audio
from bark.errors import AudioError, OptionError, OutputError

RATE = 24_000


def sine(seconds: float, decibels: float, rate: int = 48_000, hertz: float = 997.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def speechlike(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise in syllables of uneven loudness with pauses, [T]."""
    random = np.random.default_rng(seed)
    noise = np.convolve(random.normal(0, 0.1, round(seconds * RATE)), np.hanning(7), "same")  # few highs, as in speech
    return (noise * np.repeat(random.choice([0.0, 0.01, 0.3, 1.0], len(noise) // 2400 + 1), 2400)[: len(noise)]).astype(
        np.float32
    )


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_the_sine_that_the_standard_gives_in_full_scale(rate: int) -> None:
    # BS.1770-4: 0 dBFS at 997 Hz in one front channel is −3.01 LKFS
    assert measure(sine(5, 0, rate), rate)[0] == pytest.approx(-3.01, abs=0.05)


def test_the_gates_of_tech_3341() -> None:
    # cases 3 and 4 of EBU Tech 3341, whose two channels are 3.01 dB louder than our one
    quiet, loud, silent = sine(10, -36), sine(60, -23), sine(10, -72)
    assert measure(np.concatenate([quiet, loud, quiet]), 48_000)[0] == pytest.approx(-26.01, abs=0.1)
    row = np.concatenate([silent, quiet, loud, quiet, silent])
    assert measure(row, 48_000)[0] == pytest.approx(-26.01, abs=0.1)


def test_the_peak_between_samples() -> None:
    # case 15 and following: a sine at a quarter of the rate, whose samples miss its peaks
    time = np.arange(48_000)
    audio = (0.5 * np.sin(np.pi / 2 * time + np.pi / 4)).astype(np.float32)
    faded = audio * np.hanning(len(audio)).astype(np.float32)
    assert np.abs(faded).max() < 0.36
    assert measure(faded, 48_000)[1] == pytest.approx(-6.02, abs=0.2)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg")
def test_ffmpeg_measures_the_same(tmp_path: Path) -> None:
    audio = speechlike(20)
    soundfile.write(tmp_path / "a.wav", audio, RATE, "FLOAT")
    command = ["ffmpeg", "-nostats", "-i", str(tmp_path / "a.wav"), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr.split("Summary:")[1]
    loudness, peak = measure(audio, RATE)
    assert loudness == pytest.approx(float(re.search(r"I:\s+(-[\d.]+) LUFS", said)[1]), abs=0.06)
    assert peak == pytest.approx(float(re.search(r"Peak:\s+(-?[\d.]+) dBFS", said)[1]), abs=0.15)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 30_000), max_size=6))
def test_pieces_measure_as_the_whole(sizes: list[int]) -> None:
    audio = speechlike(3)
    meter = Meter(RATE)
    for piece in np.split(audio, np.minimum(np.cumsum([0, *sizes]), len(audio))):
        meter.push(piece)
    loudness, peak = measure(audio, RATE)
    assert meter.loudness() == pytest.approx(loudness, abs=1e-6)
    assert meter.true_peak() == pytest.approx(peak, abs=1e-6)


def test_silence_and_a_click_have_no_loudness() -> None:
    assert measure(np.zeros(RATE, np.float32), RATE) == (-math.inf, -math.inf)
    assert measure(np.zeros(0, np.float32), RATE) == (-math.inf, -math.inf)
    assert measure(sine(0.3, 0, RATE), RATE)[0] == -math.inf
    assert gain_to(-math.inf, -math.inf) == gain_to(-math.inf, -6.0) == 1.0
    assert gain_to(-math.inf, 5.0) == pytest.approx(10 ** (-6 / 20))


@pytest.mark.parametrize("target", [-16.0, BROADCAST, -40.0])
def test_normalized_audio_has_the_loudness(target: float) -> None:
    loudness, peak = measure(normalize(sine(3, -30, RATE), RATE, target), RATE)
    assert loudness == pytest.approx(target, abs=0.01)
    assert peak < -1


def test_the_peak_goes_before_the_loudness() -> None:
    audio = np.zeros(5 * RATE, np.float32)
    audio[::2400] = 0.5  # clicks: high peaks, hardly loud
    loudness, peak = measure(normalize(audio, RATE, -16), RATE)
    assert peak == pytest.approx(-1, abs=0.01)
    assert loudness < -17


def test_a_long_recording_is_levelled_in_blocks(tmp_path: Path) -> None:
    audio = speechlike(10)
    with open_audio(tmp_path / "a.wav", RATE, bits=32) as file, levelled(file, BROADCAST) as level:
        for piece in np.array_split(audio, 17):
            level.write(piece)
        assert file.samples == 0
    assert len(audio) > 2 * BLOCK
    written = soundfile.read(tmp_path / "a.wav", dtype="float32")[0]
    np.testing.assert_allclose(written, normalize(audio, RATE, BROADCAST), rtol=1e-5, atol=1e-7)


def test_work_broken_off_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), open_audio(tmp_path / "a.wav", RATE) as file, levelled(file) as level:
        level.write(speechlike(1))
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: Path("/dev/full").open("r+b", buffering))
    with (
        pytest.raises(OutputError, match=r"can.t keep the audio in .*: the disk is full"),
        open_audio(tmp_path / "a.wav", RATE) as file,
        levelled(file) as level,
    ):
        level.write(speechlike(0.1))
    assert list(tmp_path.iterdir()) == []


def test_what_makes_no_sense_is_told() -> None:
    with pytest.raises(OptionError, match="a loudness is −70 to 0 LUFS, not 16"):
        normalize(sine(1, -20, RATE), RATE, 16)
    with pytest.raises(OptionError, match="a true peak is −20 to 0 dBTP, not 1"):
        gain_to(-20, -3, -16, 1)
    with pytest.raises(OptionError, match="loudness is measured at 8000 to 192000 Hz, not 2000"):
        Meter(2000)
    with pytest.raises(AudioError, match="not finite"):
        measure(np.array([np.nan]), RATE)
