"""Other sample rates, in pieces."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.audio.resample import ResampleStream, resample, resampled_length

RATES = st.sampled_from([8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])


@settings(max_examples=60, deadline=None)
@given(RATES, RATES, st.lists(st.integers(0, 3000), max_size=8))
def test_pieces_give_the_whole_and_its_exact_length(input_rate: int, output_rate: int, sizes: list[int]) -> None:
    audio = np.random.default_rng(1).normal(0, 0.2, sum(sizes)).astype(np.float32)
    stream = ResampleStream(input_rate, output_rate)
    parts = [stream.push(part) for part in np.split(audio, np.cumsum(sizes)[:-1])]
    together = np.concatenate([*parts, stream.finish()])
    np.testing.assert_array_equal(together, resample(audio, input_rate, output_rate))
    assert len(together) == resampled_length(len(audio), input_rate, output_rate)
    assert len(together) == pytest.approx(len(audio) * output_rate / input_rate, abs=0.5)


def test_a_tone_stays_that_tone() -> None:
    time = np.arange(24_000) / 24_000
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    converted = resample(tone, 24_000, 44_100)
    wanted = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    np.testing.assert_allclose(converted[500:-500], wanted[500:-500], atol=1e-3)
    np.testing.assert_allclose(converted, soxr.resample(tone, 24_000, 44_100), atol=1e-3)
