"""Recordings that people bring, and what is not one."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.audio.encoders import encode_audio, encode_stream
from bark.audio.formats import FORMATS
from bark.audio.read import read_audio
from bark.errors import AudioError

RATE = 24_000


def name_of(format: str) -> object:
    needed = FORMATS[format].library
    reason = f"there is no {needed}"
    import importlib.util

    missing = bool(needed) and importlib.util.find_spec(needed) is None
    return pytest.param(format, marks=pytest.mark.skipif(missing, reason=reason))


FILES = [name_of(name) for name in FORMATS if name != "pcm"]


@pytest.mark.parametrize("name", FILES)
def test_every_format_comes_back(name: str, tone: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(encode_audio(tone, RATE, name))
    audio = read_audio(tmp_path / "a", RATE)
    assert audio.dtype == np.float32 and audio.ndim == 1
    assert len(audio) / RATE == pytest.approx(len(tone) / RATE, abs=0.12)
    assert np.std(audio) == pytest.approx(np.std(tone), rel=0.06)


@pytest.mark.parametrize("name", FILES)
def test_what_came_through_a_pipe_comes_back(name: str, tone: np.ndarray) -> None:
    audio = read_audio(b"".join(encode_stream([tone], RATE, name)), RATE)
    assert len(audio) / RATE == pytest.approx(len(tone) / RATE, abs=0.12)


def test_the_rate_is_converted_and_channels_are_averaged() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.full((44_100, 2), [0.5, 0.1]), 44_100, format="WAV")
    audio = read_audio(file.getvalue(), 16_000)
    assert len(audio) == 16_000
    np.testing.assert_allclose(audio[1000:-1000], 0.3, atol=1e-3)


@pytest.mark.parametrize(
    "data",
    [b"no audio at all" * 100, b"RIFF\0\0\0\0WAVE", b"ID3", b"fLaC" + bytes(50), b"OggS" + bytes(100), bytes(1000)],
)
def test_what_is_not_audio_is_told(data: bytes) -> None:
    with pytest.raises(AudioError, match=r"the recording (is not audio that is known here|is broken|has no audio)"):
        read_audio(data, RATE)


def test_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(AudioError, match=r"a\.wav is empty"):
        read_audio(tmp_path / "a.wav", RATE)
    with pytest.raises(AudioError, match="the recording has no audio in it"):
        read_audio(encode_audio(np.zeros(0, np.float32), RATE), RATE)
    with pytest.raises(AudioError, match=r"can't read .*No such file"):
        read_audio(tmp_path / "no.wav", RATE)
    with pytest.raises(AudioError, match="it is not a file"):
        read_audio(tmp_path, RATE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="it is not a file"):
        read_audio(tmp_path / "a.wav", RATE)


def test_limits_are_kept(tone: np.ndarray) -> None:
    data = encode_audio(tone, RATE)
    with pytest.raises(AudioError, match=r"the recording is too long: at most 1\.5 seconds are allowed"):
        read_audio(data, RATE, longest=1.5)
    with pytest.raises(AudioError, match="the recording is too large: 0 MB"):
        read_audio(data, RATE, largest=1000)


def test_a_head_that_promises_too_much_costs_nothing() -> None:
    head = encode_audio(np.zeros(10, np.float32), RATE)
    data = bytearray(head)
    place = data.index(b"data")
    data[place + 4 : place + 8] = struct.pack("<I", 2**31 - 100)
    with pytest.raises(AudioError, match=r"is broken: it ends at 0\.0 of"):
        read_audio(bytes(data), RATE)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_a_file_that_ends_half_way_is_told(name: str, tone: np.ndarray) -> None:
    data = encode_audio(tone, RATE, name)
    with pytest.raises(AudioError, match="the recording is broken"):
        read_audio(data[: len(data) // 2], RATE)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e4, 1e38])
def test_samples_that_are_none_are_told(value: float) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.array([0.0, value, 0.0]), RATE, format="WAV", subtype="FLOAT")
    with pytest.raises(AudioError, match="samples that are no finite numbers near"):
        read_audio(file.getvalue(), RATE)


@pytest.mark.parametrize(
    ("channels", "rate", "message"), [(17, RATE, "has 17 channels; at most 16"), (1, 500, "has 500 samples a second")]
)
def test_odd_layouts_are_told(channels: int, rate: int, message: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros((100, channels)), rate, format="WAV")
    with pytest.raises(AudioError, match=message):
        read_audio(file.getvalue(), RATE)


def test_a_playlist_opens_no_other_file(tmp_path: Path, tone: np.ndarray) -> None:
    (tmp_path / "secret.wav").write_bytes(encode_audio(tone, RATE))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile '{tmp_path}/secret.wav'\n"
    for text in (playlist, concat):
        with pytest.raises(AudioError, match="is not audio that is known here"):
            read_audio(text.encode(), RATE)


def test_without_pyav_it_says_what_would_read_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AudioError, match=r"not audio that is known here .*; for m4a, aac and webm: pip install"):
        read_audio(b"something else" * 50, RATE)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["wav", "flac", "mp3", "ogg", "opus"]), st.data())
def test_damaged_files_end_in_audio_or_an_audio_error(name: str, data: st.DataObject) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 3000).astype(np.float32)
    whole = bytearray(encode_audio(noise, RATE, name))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        audio = read_audio(bytes(whole[: data.draw(st.integers(1, len(whole)))]), RATE)
    except AudioError:
        return
    assert np.isfinite(audio).all()
