"""What is looked at while an utterance is written is what another pass over it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import SemanticStage, stage_generator
from bark.engine.alignment import align
from bark.engine.blocks import BlockWriter
from bark.engine.gaze import Gaze
from bark.engine.kv_cache import KVCache
from bark.engine.quantize import pack
from bark.engine.sequence import Sequence, together, written
from bark.engine.static_cache import StaticCache
from bark.engine.workspace import workspace
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions

HEADS = ((0, 1), (1, 0))
TEXTS = ([3, 1, 4, 1, 5], [9, 2, 6], [5, 3, 5, 8, 9, 7, 9])
HISTORY = np.array([3, 8, 4, 6])
WARM = SamplingOptions(temperature=0.8)


@pytest.fixture(params=["as it is", "compiled", "int8"])
def stage(request: pytest.FixtureRequest, pup: ModelConfig, make_lively: Any) -> SemanticStage:
    shape = replace(pup.semantic, n_head=2, n_embd=32)  # of heads that compiled code is made for
    model = make_lively(GPT(shape))
    if request.param != "as it is":
        pack(model, torch.float32, "int8" if request.param == "int8" else None)
        assert model.token_step is not None
    return SemanticStage(model, replace(pup, semantic=shape, alignment_heads=HEADS))


def speak(
    stage: SemanticStage, texts: Any, slots: int, history: Any = HISTORY, **more: Any
) -> tuple[list[list[int]], list[Gaze]]:
    """What is said of each text, and what was looked at."""
    gazes = [Gaze(HEADS) for _ in texts]

    def sequences() -> Iterator[tuple[int, Sequence[int]]]:
        for n, (text, gaze) in enumerate(zip(texts, gazes, strict=True)):
            generator = stage_generator(n, "semantic")
            yield n, stage.sequence(text, history, options=WARM, generator=generator, gaze=gaze, **more)

    said: list[list[int]] = [[] for _ in texts]
    for n, token in together(stage.model, stage.capacity, sequences(), slots):
        said[n].append(token)
    return said, gazes


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("history", [None, HISTORY])
def test_is_that_of_another_pass(stage: SemanticStage, slots: int, history: Any) -> None:
    """Slots are used again, and rows end at different times."""
    said, gazes = speak(stage, TEXTS, slots, history, max_duration=0.7)
    kept = stage.model.cache_dtype or torch.float32
    for text, tokens, gaze in zip(TEXTS, said, gazes, strict=True):
        expected = align(stage, text, history, np.array(tokens))
        assert expected is not None and gaze.shares is not None and gaze.cache is None
        assert gaze.shares.shape == (len(tokens), len(text))
        tolerance = 1e-5 if kept == torch.float32 else 0.02
        np.testing.assert_allclose(gaze.shares, expected.attention, rtol=0, atol=tolerance)


def test_rows_that_begin_alike(stage: SemanticStage) -> None:
    """They read what they have in common once; so does what decides the first step of each."""
    said, gazes = speak(stage, [TEXTS[0]] * 3, slots=3, max_duration=0.7)
    assert len({tuple(tokens) for tokens in said}) > 1
    for n, (tokens, gaze) in enumerate(zip(said, gazes, strict=True)):
        generator, alone = stage_generator(n, "semantic"), Gaze(HEADS)
        row = stage.sequence(TEXTS[0], HISTORY, options=WARM, generator=generator, gaze=alone, max_duration=0.7)
        assert [token for _, token in together(stage.model, stage.capacity, [(0, row)])] == tokens
        np.testing.assert_array_equal(gaze.shares, alone.shares)


def test_who_is_looked_at_beside_somebody_who_is_not(stage: SemanticStage) -> None:
    """The other has kept no queries of what both begin with."""
    rows, gaze = [], Gaze(HEADS)
    for n, watched in enumerate((None, gaze)):
        generator = stage_generator(n, "semantic")
        more: dict[str, Any] = {"generator": generator, "gaze": watched, "max_duration": 0.7}
        rows.append((n, stage.sequence(TEXTS[0], HISTORY, options=WARM, **more)))
    said = [token for n, token in together(stage.model, stage.capacity, rows, slots=2) if n == 1]
    expected = align(stage, TEXTS[0], HISTORY, np.array(said))
    assert expected is not None and gaze.shares is not None
    np.testing.assert_allclose(gaze.shares, expected.attention, rtol=0, atol=0.02)


def test_an_utterance_that_is_dropped_has_told_nothing(stage: SemanticStage) -> None:
    gaze = Gaze(HEADS)
    row = stage.sequence(TEXTS[0], HISTORY, options=WARM, generator=stage_generator(0, "semantic"), gaze=gaze)
    running = together(stage.model, stage.capacity, [(0, row)])
    next(running)
    running.close()
    row.close()
    assert gaze.shares is None


def test_nothing_said(stage: SemanticStage) -> None:
    said, (gaze,) = speak(stage, TEXTS[:1], 1, min_eos_p=0.0)
    assert said == [[]]
    assert gaze.shares is not None and gaze.shares.shape == (0, len(TEXTS[0]))


def test_who_writes_many_tokens_at_a_time_tells_nothing(pup: ModelConfig, make_lively: Any) -> None:
    stage = SemanticStage(make_lively(GPT(pup.semantic)), replace(pup, alignment_heads=HEADS))
    gaze = Gaze(HEADS)
    row = stage.sequence(TEXTS[0], options=WARM, generator=stage_generator(0, "x"), gaze=gaze, max_duration=0.7)
    with workspace(stage.model, stage.capacity, 1) as own:
        assert isinstance(own.cache, StaticCache)
        tokens = [token for _, token in written(BlockWriter(stage.model, own), [(0, row)])]
    assert tokens and gaze.shares is None


def test_queries_that_nobody_asks_for_are_not_kept(pup: ModelConfig) -> None:
    cache = KVCache(pup.semantic, 8, device=torch.device("cpu"), dtype=torch.float32)
    assert not cache.addresses[2].any()
    cache.watch([1])
    assert cache.addresses[2].astype(bool).tolist() == [False, True, *[False] * (pup.semantic.n_layer - 2)]
    before = cache.addresses[2, 1]
    cache.watch([1])
    assert cache.addresses[2, 1] == before
