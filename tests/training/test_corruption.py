"""Rows spoiled on purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bark.training.corruption import Corruption, corrupt


def row(steps: int, books: int = 2) -> np.ndarray:
    """Every token another, the books of different hundreds of thousands."""
    return np.arange(steps)[:, None] + 100_000 * np.arange(books)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("books", [1, 2])
def test_tokens_stay_in_their_book(steps: int, books: int) -> None:
    true = row(steps, books)
    before = true.copy()
    for seed in range(20):
        read = corrupt(true, Corruption(rows=1.0), np.random.default_rng(seed))
        assert read.shape == true.shape
        assert (read // 100_000 == np.arange(books)).all()
        assert np.isin(read, true).all()
    assert np.array_equal(true, before)


def test_how_much() -> None:
    true, rng = row(2000), np.random.default_rng(0)

    def share(config: Corruption) -> float:
        return float(np.mean([(corrupt(true, config, rng) != true).mean() for _ in range(200)]))

    nothing = Corruption(rows=1.0, tokens=0.0, spans=0.0)
    assert share(nothing) == 0.0
    assert share(replace(nothing, tokens=0.2)) == pytest.approx(0.1, abs=0.015)
    assert share(replace(nothing, spans=0.4)) == pytest.approx(0.18, abs=0.03)  # stretches overlap at times
    assert share(Corruption(rows=0.0, tokens=1.0, spans=1.0)) == 0.0


def test_spans_are_whole_frames_of_another_place() -> None:
    true = row(500)
    read = corrupt(true, Corruption(rows=1.0, tokens=0.0, spans=0.4, span_steps=8), np.random.default_rng(1))
    assert np.array_equal(read[:, 0] + 100_000, read[:, 1])
    changed = read[:, 0] != true[:, 0]
    assert 0.02 < changed.mean() < 0.4
    follows = np.diff(read[:, 0])[changed[1:] & changed[:-1]] == 1
    assert follows.mean() > 0.5
