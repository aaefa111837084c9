"""Without sampling noise, all tokens are those of 🤗's `BarkModel`, and so is the audio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.parity.cases import CASES, TOLERANCE, Arrays, voice
from tests.parity.compare import STAGES

pytest.importorskip("transformers")
from tests.parity import twin

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = [name if name.startswith("short") else pytest.param(name, marks=pytest.mark.slow) for name in CASES]


@pytest.fixture(scope="module")
def theirs(folder: Path) -> tuple[Any, Any]:
    return twin.make_twin(folder)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_and_audio(name: str, say: Callable[[str], Arrays], theirs: tuple[Any, Any]) -> None:
    ours, expected = say(name), twin.speak(*theirs, CASES[name])
    for stage in STAGES:
        np.testing.assert_array_equal(ours[stage], expected[stage], err_msg=stage)
    np.testing.assert_allclose(ours["audio"], expected["audio"], rtol=0, atol=TOLERANCE)


def test_their_own_way_from_text_to_audio(say: Callable[[str], Arrays], theirs: tuple[Any, Any]) -> None:
    model, processor = theirs
    [(text, seconds)] = CASES["short with a voice"].texts
    audio = model.generate(
        **processor(text, return_tensors="pt"),
        history_prompt=twin.tensors(voice()),
        do_sample=False,
        semantic_max_new_tokens=int((seconds or 0) * 49.9) + 1,
    )
    np.testing.assert_allclose(say("short with a voice")["audio"], audio[0].numpy(), rtol=0, atol=TOLERANCE)
