"""Utterances that differ in everything, for whoever writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, stage_generator
from bark.engine.sequence import Sequence
from bark.options import SamplingOptions

OPTIONS = [
    SamplingOptions(temperature=0),
    SamplingOptions(temperature=1.1),
    SamplingOptions(temperature=0.9, top_k=9),
    SamplingOptions(temperature=1.3, top_p=0.8),
    SamplingOptions(temperature=1.0, top_k=20, top_p=0.9),
    SamplingOptions(temperature=0.8, top_k=3, repetition_window=5, repetition_ratio=0.3),
    SamplingOptions(temperature=0, repetition_window=2, repetition_ratio=0.4),
]


def utterance(stage: SemanticStage, n: int) -> Sequence[int]:
    """Of another text, history, length, seed and way to sample for every n."""
    rng = np.random.default_rng(n)
    return stage.sequence(
        rng.integers(38, size=2 + n % 9),
        rng.integers(50, size=3 * (n % 4)),
        options=OPTIONS[n % len(OPTIONS)],
        min_eos_p=[None, 0.2, 0.05][n % 3],
        max_duration=[None, 0.5, 1.0][n % 3],
        stop_at_eos=n % 5 != 3,
        generator=stage_generator(n, "semantic", stage.model.device),
    )


def codes(stage: CoarseStage, n: int) -> Sequence[np.ndarray]:
    """Of other tokens, history, length, seed and way to sample for every n."""
    rng = np.random.default_rng(n)
    history = CoarseHistory(rng.integers(50, size=3 * n // 2), rng.integers(16, size=(3, 3 * n)))
    return stage.sequence(
        rng.integers(50, size=4 + 3 * n),
        history if n % 2 else None,
        options=OPTIONS[n % len(OPTIONS)],
        generator=stage_generator(n, "coarse", stage.model.device),
    )


def flat(said: Iterator[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for key, item in said:
        found.setdefault(key, []).extend(np.ravel(item).tolist())
    return found
