"""On an Apple GPU the causal stages say what they say on a CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bark.engine import CoarseStage, SemanticStage
from bark.engine.sequence import alone
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from tests.engine.rows import codes, flat, utterance

pytestmark = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="there is no Apple GPU")


@pytest.mark.parametrize("n", [0, 7])  # those that are greedy
def test_the_likeliest_are_those_of_a_cpu(n: int, pup: ModelConfig, make_lively: Any) -> None:
    said, sounded = [], []
    for device in ("mps", "cpu"):
        semantic = SemanticStage(make_lively(GPT(pup.semantic), 5).float().to(device), pup)
        coarse = CoarseStage(make_lively(GPT(pup.coarse), 6).float().to(device), pup)
        said.append(flat((0, item) for item in alone(semantic.model, semantic.capacity, utterance(semantic, n))))
        sounded.append(flat((0, item) for item in alone(coarse.model, coarse.capacity, codes(coarse, n))))
    assert said[0] == said[1]
    assert sounded[0] == sounded[1]
