"""WAV files that play everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bark.audio.write import check_wav_path, encode_pcm, encode_wav, write_wav
from bark.errors import AudioError, OutputError


def test_another_reader_reads_it(tmp_path: Path) -> None:
    audio = np.sin(np.arange(2400) / 10).astype(np.float32) * 0.9
    write_wav(tmp_path / "a.wav", audio, 24_000)
    read, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"
    assert rate == 24_000
    np.testing.assert_allclose(read, audio, atol=1e-4)


@given(arrays.arrays(np.float32, st.integers(0, 50), elements=st.floats(-4, 4, width=32)))
def test_samples_are_clipped_and_rounded(audio: np.ndarray) -> None:
    samples = np.frombuffer(encode_pcm(audio), dtype="<i2")
    np.testing.assert_allclose(samples / 32767, audio.clip(-1, 1), atol=0.5001 / 32767)


def test_no_audio_is_a_file_without_samples() -> None:
    assert len(encode_wav(np.empty(0, dtype=np.float32), 24_000)) == 44


@pytest.mark.parametrize(
    "audio",
    [np.zeros((2, 3), dtype=np.float32), np.zeros(3, dtype=np.int16), np.array([0.0, np.nan]), np.array([np.inf])],
)
def test_what_is_not_audio_is_refused(audio: np.ndarray) -> None:
    with pytest.raises(AudioError, match="audio"):
        encode_wav(audio, 24_000)


def test_a_name_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"only WAV is written, not \.mp3; name it a\.wav"):
        check_wav_path(tmp_path / "a.MP3")
    check_wav_path(tmp_path / "no suffix")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with pytest.raises(AudioError):
        write_wav(path, np.array([np.nan]), 24_000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
