"""Which take is best: how far apart two are, against the textbook's table, and what the choice hangs on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.engine.choosing import edit_distance, ranked

RATE = 50.0
TOKENS = st.lists(st.integers(0, 3), max_size=90)


def by_the_table(a: list[int], b: list[int]) -> int:
    """Wagner and Fischer's table, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[:], i
        for j, y in enumerate(b, 1):
            row[j] = min(above[j - 1] + (x != y), above[j] + 1, row[j - 1] + 1)
    return row[-1]


@given(TOKENS, TOKENS)
def test_edits_are_the_tables(a: list[int], b: list[int]) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == by_the_table(a, b)


def even(take: list[int], nats: float = 1.0) -> np.ndarray:
    return np.full(len(take), nats)


def test_who_says_it_as_the_others_is_best() -> None:
    usual = list(range(100))
    stray = usual[:40] + [7] * 20 + usual[60:]
    takes = [stray, usual, [*usual[:99], 3]]
    assert ranked(takes, [even(each) for each in takes], RATE)[-1] == 0


def test_who_is_surest_at_its_worst_moment_is_best() -> None:
    """One moment counts, however sure the rest is."""
    takes = [[n, *range(99)] for n in range(3)]
    nats = [even(each) for each in takes]
    nats[0][50:60] = 6.0
    nats[0][:50] = nats[0][60:] = 0.1
    nats[2][::10] = 2.0
    assert ranked(takes, nats, RATE) == [1, 2, 0]


def test_a_take_of_nothing_comes_last() -> None:
    takes: list[list[int]] = [[], [1, 2, 3], [], [1, 2]]
    assert ranked(takes, [even(each) for each in takes], RATE)[2:] == [0, 2]
    assert ranked([[], []], [np.zeros(0)] * 2, RATE) == [0, 1]


@pytest.mark.parametrize("rate", [1.0, 25.0, 49.9, 1000.0])
def test_takes_that_are_alike_stay_in_order(rate: float) -> None:
    takes = [[5, 6, 7]] * 4
    assert ranked(takes, [even(each) for each in takes], rate) == [0, 1, 2, 3]


@given(st.lists(st.lists(st.integers(0, 9), max_size=30), min_size=1, max_size=6), st.data())
def test_every_take_has_a_place(takes: list[list[int]], data: st.DataObject) -> None:
    floats = st.floats(0, 30)
    nats = [np.array(data.draw(st.lists(floats, min_size=len(take), max_size=len(take)))) for take in takes]
    assert sorted(ranked(takes, nats, RATE)) == list(range(len(takes)))
