"""Coarse windows that move farther at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark import Bark
from bark.engine import CoarseStage
from bark.errors import OptionError
from bark.models.config import COARSE_WINDOWS, SUNO_LARGE, SUNO_SMALL, ModelConfig, widened
from bark.models.gpt import GPT
from bark.options import SamplingOptions


def test_exact_windows_are_the_models_own() -> None:
    assert widened(SUNO_SMALL, "exact") is SUNO_SMALL


@pytest.mark.parametrize("config", [SUNO_SMALL, SUNO_LARGE])
@pytest.mark.parametrize(("windows", "stride", "history"), [("wide", 120, 630), ("widest", 240, 528)])
def test_what_suno_has_room_for(config: ModelConfig, windows: str, stride: int, history: int) -> None:
    layout = widened(config, windows).coarse_layout
    assert (layout.stride, layout.max_history) == (stride, history)
    assert layout.semantic_window + layout.max_history + layout.stride <= config.coarse.block_size


@pytest.mark.parametrize("windows", COARSE_WINDOWS)
def test_a_window_sees_the_meaning_of_all_that_it_writes(windows: str) -> None:
    config = widened(SUNO_SMALL, windows)
    layout, ratio = config.coarse_layout, config.tokens.coarse_per_semantic
    before = int(layout.max_history / ratio)
    assert (layout.semantic_window - before) * ratio >= layout.stride


def test_no_such_windows_and_no_room() -> None:
    with pytest.raises(OptionError, match="'wider' are no coarse windows; say exact, wide, widest"):
        widened(SUNO_SMALL, "wider")
    small = replace(SUNO_SMALL, coarse=replace(SUNO_SMALL.coarse, block_size=400))
    with pytest.raises(OptionError, match="widest coarse windows don't fit suno/bark-small: its block is 400"):
        widened(small, "widest")


def test_the_first_window_is_the_same() -> None:
    """Until an exact window moves, both have read the same."""
    trunk = {"n_layer": 1, "n_head": 2, "n_embd": 16}
    config = replace(SUNO_SMALL, coarse=replace(SUNO_SMALL.coarse, **trunk))
    model = GPT(config.coarse).eval().requires_grad_(False)
    model.reset_parameters()
    semantic = np.arange(60)
    exact, wide = (
        np.concatenate(
            list(CoarseStage(model, each).generate(semantic, options=SamplingOptions(temperature=None))), axis=1
        )
        for each in (config, widened(config, "wide"))
    )
    assert exact.shape == wide.shape == (2, 90)
    assert np.array_equal(exact[:, :30], wide[:, :30])


def test_bark_takes_them(checkpoint: Path) -> None:
    exact, wide = Bark(checkpoint), Bark(checkpoint, coarse_windows="wide")
    assert wide.config.coarse_layout.stride == 2 * exact.config.coarse_layout.stride
    assert wide.generate("Hello.", seed=1, max_duration=1).audio.shape == (
        exact.generate("Hello.", seed=1, max_duration=1).audio.shape
    )
