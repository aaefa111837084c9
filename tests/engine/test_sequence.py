"""Sequences together say what each says alone, and a free slot takes the next at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, stage_generator
from bark.engine.sampling import Sampler
from bark.engine.sequence import Sequence, alone, together, written
from bark.engine.steps import StepWriter
from bark.engine.writing import NEXT, Ask, Head, Write
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


class Watched(StepWriter):
    """Notes which slots go on together."""

    def __init__(self, model: GPT, slots: int) -> None:
        super().__init__(model, 20, slots)
        self.rounds: list[list[int]] = []

    def go_on(self, slots: Any) -> list[list[int]]:
        self.rounds.append(list(slots))
        return super().go_on(slots)


class Echo:
    """Sequences that have so many tokens written, and then say their own number."""

    def __init__(self, model: GPT) -> None:
        self.model = model
        self.begun: list[int] = []

    def sequence(self, number: int, count: int) -> Sequence[int]:
        self.begun.append(number)
        embedded = self.model.embed(torch.tensor([[number]]))
        sampler = Sampler(WARM, None, self.model.device)
        ask: Ask = Write(embedded, torch.tensor([0]), 0, 1, count, (Head((range(50),)),), sampler)
        for _ in range(count):
            token = yield ask
            assert 0 <= token < 50
            ask = NEXT
        yield number

    def all(self, counts: list[int]) -> Iterator[tuple[int, Sequence[int]]]:
        for number, each in enumerate(counts):
            yield number, self.sequence(number, each)


@pytest.fixture
def echo(pup: ModelConfig, make_lively: Any) -> Echo:
    return Echo(make_lively(GPT(pup.semantic), 7))


def test_a_free_slot_takes_the_next_at_once(echo: Echo) -> None:
    writer = Watched(echo.model, 2)
    said = [key for key, _ in written(writer, echo.all([9, 2, 3, 4]))]
    assert said == [1, 2, 0, 3]
    assert writer.rounds == [[0, 1]] * 9  # 2, 3 and 4 follow each other beside 9


def test_the_next_is_asked_for_when_there_is_room(echo: Echo) -> None:
    running = together(echo.model, 20, echo.all([3, 3, 3, 3, 3]), slots=2)
    next(running)
    assert len(echo.begun) <= 3


def test_what_has_run_out_for_now_is_asked_again(echo: Echo) -> None:
    counts = iter([4, 2, 0, 1])

    def sequence(number: int) -> tuple[int, Sequence[int]]:
        if not (count := next(counts)):
            raise StopIteration
        return number, echo.sequence(number, count)

    for_now = map(sequence, range(4))
    assert [key for key, _ in together(echo.model, 20, for_now, slots=3)] == [1, 3, 0]


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
