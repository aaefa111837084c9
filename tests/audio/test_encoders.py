"""Audio to bytes while it is made."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.audio.encoders import encode_audio, encode_stream
from bark.errors import AudioError, OptionError, OutputError

RATE = 24_000
NOISE = np.random.default_rng(0).normal(0, 0.2, 5000).astype(np.float32)


def pieces(sizes: list[int]) -> Iterator[np.ndarray]:
    """The noise in pieces of these sizes, then what is left."""
    start = 0
    for size in sizes:
        yield NOISE[start : start + size]
        start += size
    yield NOISE[start:]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["wav", "flac", "pcm", "mp3"]),
    st.lists(st.integers(0, 1500), max_size=12),
    st.sampled_from([None, 16_000, 44_100]),
)
def test_pieces_give_the_bytes_of_the_whole(name: str, sizes: list[int], rate: int | None) -> None:
    whole = b"".join(encode_stream([NOISE], RATE, name, output_rate=rate))
    parts = list(encode_stream(pieces(sizes), RATE, name, output_rate=rate))
    assert all(parts)
    assert b"".join(parts) == whole


@pytest.mark.parametrize(("name", "delay"), [("wav", 0.0), ("pcm", 0.0), ("mp3", 0.2), ("flac", 0.4), ("opus", 0.3)])
def test_bytes_come_while_audio_does(name: str, delay: float) -> None:
    taken = 0

    def chunks() -> Iterator[np.ndarray]:
        nonlocal taken
        for _ in range(200):
            taken += 480
            yield np.random.default_rng(taken).normal(0, 0.2, 480).astype(np.float32)

    stream = encode_stream(chunks(), RATE, name)
    next(stream)
    for _ in range(5):  # heads come alone
        next(stream)
    assert taken / RATE <= 0.2 + 6 * max(delay, 0.02)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg", "opus"])
def test_a_whole_file_tells_its_length(name: str) -> None:
    assert soundfile.info(io.BytesIO(encode_audio(NOISE, RATE, name))).frames == len(NOISE)


def test_faults_are_told_before_a_chunk_is_asked_for() -> None:
    def never() -> Iterator[np.ndarray]:
        raise AssertionError("asked for a chunk")
        yield

    with pytest.raises(OutputError, match="there is no audio format 'wma'; there are wav, flac, mp3, ogg, opus"):
        encode_stream(never(), RATE, "wma")
    with pytest.raises(OptionError, match="opus can't hold 7 Hz"):
        encode_stream(never(), RATE, "opus", output_rate=7)


def test_a_chunk_that_is_not_audio_ends_the_stream() -> None:
    with pytest.raises(AudioError, match="not finite"):
        list(encode_stream([NOISE, np.array([np.nan])], RATE, "mp3"))


def test_aac_needs_pyav_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"aac needs PyAV, .*openbark\[formats\]"):
        encode_stream([NOISE], RATE, "aac")


def test_a_listener_may_leave_at_any_time() -> None:
    chunks = iter([NOISE, NOISE])
    stream = encode_stream(chunks, RATE, "flac")
    next(stream)
    stream.close()
    assert len(list(chunks)) == 1
