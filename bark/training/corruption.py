"""What a model reads while it learns, spoiled on purpose: it learns to find back from its own mistakes.

A model that only ever reads the truth trusts what is written more than what it's told, and while it speaks its
first mistake brings the next (exposure bias: Ranzato et al. 2016, "Sequence Level Training with Recurrent Neural
Networks"; noise as a remedy: Meng et al. 2024, "Autoregressive Speech Synthesis without Vector Quantization").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bark.tokens import IntArray


@dataclass(frozen=True)
class Corruption:
    """How much of what is read is something else.

    Attributes:
        rows: share of the rows that are spoiled at all.
        tokens: at most this share of a spoiled row's tokens is replaced one by one.
        spans: at most this share is replaced by whole stretches from elsewhere in the row.
        span_steps: the longest such stretch.
    """

    rows: float = 0.0
    tokens: float = 0.15
    spans: float = 0.4
    span_steps: int = 16


def corrupt(read: IntArray, config: Corruption, rng: np.random.Generator) -> IntArray:
    """A row with some of its steps replaced by others of the same row, so it stays the same voice.

    Args:
        read: tokens [T, books], one row of books a step.
        config: how much.
        rng: where to, and from where.

    Returns:
        The same shape; `read` itself is left as it is.
    """
    steps, books = read.shape
    spoiled = read.copy()
    if steps < 2 or rng.random() >= config.rows:
        return spoiled
    left = int(rng.uniform(0, config.spans) * steps)
    while left > 0:
        length = int(min(rng.integers(1, config.span_steps + 1), left, steps - 1))
        source, target = rng.integers(0, steps - length + 1, 2)
        spoiled[target : target + length] = read[source : source + length]
        left -= length
    hit = rng.random((steps, books)) < rng.uniform(0, config.tokens)
    sources = rng.integers(0, steps, (steps, books))
    return np.where(hit, np.take_along_axis(read, sources, 0), spoiled)
