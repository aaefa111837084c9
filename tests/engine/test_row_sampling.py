"""Many rows sampled at once are sampled as each is alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bark.engine.row_sampling import RowSamplers, numbers, ways
from bark.engine.sampling import MinEos, Sampler
from bark.engine.workspace import Sheet
from bark.options import SamplingOptions

CPU = torch.device("cpu")
EOS, WIDTH, TURNS, TOKENS = 6, 7, 2, 12

chosen = st.builds(
    SamplingOptions,
    temperature=st.one_of(st.none(), st.floats(0, 3)),
    top_k=st.one_of(st.none(), st.integers(1, 9)),
    top_p=st.one_of(st.none(), st.floats(0.01, 1)),
    repetition_window=st.integers(0, 5),
    repetition_ratio=st.floats(0, 1),
)
ends = st.one_of(st.none(), st.floats(0.01, 1))


def sampler(options: SamplingOptions, end: float | None, seed: int) -> Sampler:
    ends = None if end is None else MinEos(EOS, end)
    return Sampler(options, torch.Generator().manual_seed(seed), CPU, ends, TURNS)


def at_once(samplers: list[Sampler], logits: Tensor) -> list[list[int]]:
    """Tokens of each row, for logits [TOKENS, B, V]."""
    rows, how = RowSamplers(len(samplers), WIDTH, TURNS, 1, CPU), ways(samplers)
    sheet = Sheet(len(samplers), CPU)
    sheet.send({row: numbers(each) for row, each in enumerate(samplers)})
    given = sheet.first(len(samplers))
    by_row = dict(enumerate(samplers))
    said = []
    rows.begin(how.window, by_row)
    for n in range(TOKENS):
        if n % 5 == 4:  # what is repeated is carried over
            rows.end(how.window, by_row)
            rows.begin(how.window, by_row)
        for row, each in by_row.items():
            rows.draw(row, each)
        done = torch.full((len(samplers),), n)
        said.append(rows.pick(logits[n], how, given, done, done < TOKENS).tolist())
    return [list(tokens) for tokens in zip(*said, strict=True)]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(chosen, ends), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_each_row_is_as_alone(rows: list[Any], seed: int) -> None:
    logits = 3 * torch.randn(TOKENS, len(rows), WIDTH, generator=torch.Generator().manual_seed(seed))
    found = at_once([sampler(*row, seed=n) for n, row in enumerate(rows)], logits)
    for n, row in enumerate(rows):
        alone = sampler(*row, seed=n)
        assert found[n] == [int(alone(logits[i, n], i % TURNS)) for i in range(TOKENS)]


def test_rows_that_do_not_pick_repeat_nothing() -> None:
    options = SamplingOptions(temperature=0, repetition_window=3, repetition_ratio=0.5)
    own, rows = sampler(options, None, 0), RowSamplers(1, WIDTH, TURNS, 1, CPU)
    sheet = Sheet(1, CPU)
    sheet.send({0: numbers(own)})
    how = ways([own])
    assert how.window == 4
    rows.begin(how.window, {0: own})
    none = torch.zeros(1, dtype=torch.int64)
    rows.pick(torch.rand(1, WIDTH), how, sheet.first(1), none, torch.tensor([False]))
    rows.end(how.window, {0: own})
    assert own.recent.tolist() == [[-1] * 3] * TURNS


def test_draws_ahead_are_used_up_in_order() -> None:
    own = sampler(SamplingOptions(temperature=1.0), None, 3)
    rows, sheet = RowSamplers(2, WIDTH, 1, 4, CPU), Sheet(2, CPU)
    sheet.send({1: numbers(own)})
    rows.draw(1, own)
    noise = torch.empty(4, WIDTH).exponential_(generator=torch.Generator().manual_seed(3))
    for n in range(8):
        done = torch.full((2,), n)
        said = rows.pick(torch.zeros(2, WIDTH), ways([own]), sheet.first(2), done, done < 9)
        assert said[1] == noise[n % 4].argmin()


def test_another_filter_is_refused() -> None:
    @dataclass(frozen=True)
    class Loud:
        def __call__(self, logits: Tensor) -> Tensor:
            return logits

    sampler = Sampler(SamplingOptions(), None, CPU)
    sampler.filters.append(Loud())
    with pytest.raises(TypeError, match="Loud"):
        numbers(sampler)
