"""Sequences together say what each says alone, and a free slot takes the next at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, stage_generator
from bark.engine.sequence import Read, Sequence, alone, together
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions

WARM = SamplingOptions(temperature=1.0)


@pytest.fixture(scope="module")
def semantic(pup: ModelConfig, make_lively: Any) -> SemanticStage:
    return SemanticStage(make_lively(GPT(pup.semantic), 5), pup)


@pytest.fixture(scope="module")
def coarse(pup: ModelConfig, make_lively: Any) -> CoarseStage:
    return CoarseStage(make_lively(GPT(pup.coarse), 6), pup)


def utterance(stage: SemanticStage, n: int) -> Sequence[int]:
    """Of another text, history, length, seed and way to sample for every n."""
    rng = np.random.default_rng(n)
    return stage.sequence(
        rng.integers(38, size=2 + n % 9),
        rng.integers(50, size=3 * (n % 4)),
        options=SamplingOptions(temperature=0.8 + 0.1 * (n % 3), top_k=[None, 20][n % 2]),
        min_eos_p=None,
        max_duration=[None, 0.5, 1.0][n % 3],
        generator=stage_generator(n, "semantic"),
    )


def gathered(said: Iterator[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for key, item in said:
        found.setdefault(key, []).append(item)
    return found


@pytest.mark.parametrize("slots", [1, 2, 3, 20])
def test_semantic_rows_are_as_alone(slots: int, semantic: SemanticStage) -> None:
    count = 9
    sequences = ((n, utterance(semantic, n)) for n in range(count))
    found = gathered(together(semantic.model, semantic.capacity, sequences, slots))
    for n in range(count):
        assert found.get(n, []) == list(alone(semantic.model, semantic.capacity, utterance(semantic, n)))
    assert len({tuple(tokens) for tokens in found.values()}) == len(found) > 5


@pytest.mark.parametrize("slots", [2, 5])
def test_coarse_rows_are_as_alone(slots: int, coarse: CoarseStage) -> None:
    def sequence(n: int) -> Sequence[np.ndarray]:
        rng = np.random.default_rng(n)
        frames = 3 * n
        history = CoarseHistory(rng.integers(50, size=frames // 2), rng.integers(16, size=(3, frames)))
        return coarse.sequence(
            rng.integers(50, size=4 + 5 * n),
            history if n % 2 else None,
            options=WARM,
            generator=stage_generator(n, "coarse"),
        )

    found = gathered(together(coarse.model, coarse.capacity, ((n, sequence(n)) for n in range(6)), slots))
    for n in range(6):
        pieces = list(alone(coarse.model, coarse.capacity, sequence(n)))
        assert len(pieces) == len(found[n])
        assert all(np.array_equal(a, b) for a, b in zip(pieces, found[n], strict=True))


class Echo:
    """Sequences that read their own number so often, and then say it."""

    def __init__(self, model: GPT) -> None:
        self.model = model
        self.begun: list[int] = []
        self.heads: list[int] = []

    def head(self, hidden: Tensor) -> Tensor:
        self.heads.append(1 if hidden.dim() == 1 else len(hidden))
        return self.model.logits(hidden)

    def sequence(self, number: int, reads: int) -> Sequence[int]:
        self.begun.append(number)
        for at in range(reads):
            embedded = self.model.embed(torch.tensor([[number]]))
            logits = yield Read(embedded, torch.tensor([at]), at, self.head)
            assert logits.dim() == 1
        yield number

    def all(self, reads: list[int]) -> Iterator[tuple[int, Sequence[int]]]:
        for number, each in enumerate(reads):
            yield number, self.sequence(number, each)


@pytest.fixture
def echo(pup: ModelConfig, make_lively: Any) -> Echo:
    return Echo(make_lively(GPT(pup.semantic), 7))


def test_a_free_slot_takes_the_next_at_once(echo: Echo) -> None:
    said = [key for key, _ in together(echo.model, 20, echo.all([9, 2, 3, 4]), slots=2)]
    assert said == [1, 2, 0, 3] or said == [1, 2, 3, 0]
    assert sum(echo.heads) == 18
    assert len(echo.heads) == 9  # 2, 3 and 4 follow each other beside 9


def test_the_next_is_asked_for_when_there_is_room(echo: Echo) -> None:
    running = together(echo.model, 20, echo.all([3, 3, 3, 3, 3]), slots=2)
    next(running)
    assert len(echo.begun) <= 3


def test_no_sequences(echo: Echo) -> None:
    assert list(together(echo.model, 20, iter([]), slots=3)) == []


def test_a_sequence_that_reads_nothing(echo: Echo) -> None:
    assert list(together(echo.model, 20, echo.all([0, 0, 1]), slots=2)) == [(0, 0), (1, 1), (2, 2)]


def test_an_error_is_not_swallowed(echo: Echo) -> None:
    def broken() -> Sequence[int]:
        yield 1
        raise ValueError("broken")

    running = together(echo.model, 20, iter([("a", broken())]), slots=2)
    assert next(running) == ("a", 1)
    with pytest.raises(ValueError, match="broken"):
        next(running)
