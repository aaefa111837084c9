"""How unlikely a model finds what it has said: as likely as when it said it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import SemanticStage, stage_generator
from bark.engine.surprise import surprise
from bark.errors import OptionError, TextError, VoiceError
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions

TEXT = [4, 5, 6]


@pytest.fixture
def stage(pup: ModelConfig, make_lively: Any) -> SemanticStage:
    return SemanticStage(make_lively(GPT(pup.semantic)), pup)


def said(stage: SemanticStage, temperature: float, history: list[int] | None = None) -> list[int]:
    generator = stage_generator(1, "semantic", torch.device("cpu"))
    options = SamplingOptions(temperature=temperature)
    return list(stage.generate(TEXT, history, options=options, generator=generator, stop_at_eos=False))


def one_by_one(stage: SemanticStage, history: list[int] | None, tokens: list[int], end: bool = True) -> list[float]:
    """The same, each token after a pass over all before it; without `end` that of whoever can't draw it."""
    vocab = [*range(stage.tokens.semantic_vocab), *([stage.tokens.semantic_eos] if end else [])]
    found = []
    for count, token in enumerate(tokens, 1):
        with torch.inference_mode():
            embedded, positions, _ = stage.whole(TEXT, history, tokens[:count])
            logits = stage.model.logits(stage.model(embedded, positions)[0, -1])
        found.append(-float(logits[vocab].log_softmax(-1)[token]))
    return found


@pytest.mark.parametrize("history", [None, [1, 2, 3], list(range(30))])
def test_it_is_that_of_the_tokens_one_by_one(stage: SemanticStage, history: list[int] | None) -> None:
    tokens = said(stage, 1.0, history)
    np.testing.assert_allclose(surprise(stage, TEXT, history, tokens), one_by_one(stage, history, tokens), rtol=1e-5)


@pytest.mark.parametrize("options", [SamplingOptions(0.0), SamplingOptions(0.5, top_k=3), SamplingOptions(2.0)])
def test_it_is_told_as_tokens_are_drawn(stage: SemanticStage, options: SamplingOptions) -> None:
    """Whatever they are drawn from, it is the model's own probabilities that are told."""
    nats: list[float] = []
    tokens = list(stage.generate(TEXT, [1, 2], options=options, min_eos_p=None, stop_at_eos=False, nats=nats))
    np.testing.assert_allclose(nats, one_by_one(stage, [1, 2], tokens, end=False), rtol=1e-4, atol=1e-5)


def test_hot_sampling_surprises_more(stage: SemanticStage) -> None:
    cold, warm, hot = (surprise(stage, TEXT, None, said(stage, heat)).mean() for heat in (0.0, 1.0, 5.0))
    assert cold < warm < hot


def test_another_text_surprises(stage: SemanticStage) -> None:
    tokens = said(stage, 0.0)
    assert surprise(stage, [7, 8, 9], None, tokens).mean() > surprise(stage, TEXT, None, tokens).mean()


def test_nothing_said_surprises_nobody(stage: SemanticStage) -> None:
    assert surprise(stage, TEXT, None, []).shape == (0,)


def test_suno_layout_too(semantic_model: GPT, suno: ModelConfig) -> None:
    stage = SemanticStage(semantic_model, suno)
    nats = surprise(stage, [4, 5], [7], [1, 2, 3])
    assert nats.shape == (3,)
    assert (nats > 0).all()


@pytest.mark.parametrize(
    ("text", "history", "tokens", "error"),
    [([], None, [1], TextError), ([1], [50], [1], VoiceError), ([1], None, [50], OptionError)],
)
def test_errors(text: Any, history: Any, tokens: Any, error: type[Exception], stage: SemanticStage) -> None:
    with pytest.raises(error):
        surprise(stage, text, history, tokens)
