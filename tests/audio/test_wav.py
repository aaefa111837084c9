"""WAV's own bytes."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bark.audio.encoders import encode_audio
from bark.audio.samples import as_int16
from bark.audio.tags import Tags
from bark.audio.wav import WavEncoder


@given(arrays.arrays(np.float32, st.integers(0, 50), elements=st.floats(-4, 4, width=32)))
def test_samples_are_clipped_and_rounded(audio: np.ndarray) -> None:
    np.testing.assert_allclose(as_int16(audio) / 32767, audio.clip(-1, 1), atol=0.5001 / 32767)


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("samples", [0, 1, 2])
def test_the_standard_library_reads_it(bits: int, samples: int) -> None:
    data = encode_audio(np.full(samples, 0.5, np.float32), 24_000, bits=bits, tags=Tags(text="odd"))
    assert len(data) % 2 == 0
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnframes(), file.getframerate(), file.getsampwidth()) == (samples, 24_000, bits // 8)


def test_more_than_four_gigabytes_are_read_whole(tmp_path: Path) -> None:
    encoder = WavEncoder(24_000, 16, Tags(text="long"), room=True)
    head = encoder.encode(np.zeros(0, np.float32))
    size = 5 * 10**9
    encoder._size = size  # as if so much had been written
    encoder.finish()
    with (tmp_path / "a.wav").open("wb") as file:
        file.write(head)
        for place, data in encoder.patches:
            file.seek(place)
            file.write(data)
        file.truncate(len(head) + size)  # a hole, which takes no room on the disk
    assert soundfile.info(tmp_path / "a.wav").frames == size // 2
