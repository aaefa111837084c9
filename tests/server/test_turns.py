"""Whose turn it is."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bark.server.turns import Turns, Wish


def waiting(turns: Turns[str], *names: str, bulk: bool = False) -> list[Wish[str]]:
    """Jobs that wait, by the names of their clients."""
    wishes = [Wish[str](name, bulk) for name in names]
    for wish in wishes:
        turns.enter(wish)
        turns.want(wish)
    return wishes


def order(turns: Turns[str], place: str = "here", *, keep: bool = False) -> str:
    """The clients that get turns there, until nobody waits; each job ends with its turn, unless `keep`."""
    clients = ""
    while wish := turns.next([place]):
        turns.give(wish, place)
        clients += wish.client
        if not keep:
            turns.leave(wish)
    return clients


def test_nobody_waits() -> None:
    turns: Turns[str] = Turns()
    assert turns.next(["here"]) is None
    assert list(turns.waiting()) == []


def test_clients_take_turns() -> None:
    turns: Turns[str] = Turns()
    waiting(turns, *"aaaaabbc")
    assert order(turns) == "abcabaaa"


def test_a_client_s_jobs_come_in_their_order() -> None:
    turns: Turns[str] = Turns()
    first, second = waiting(turns, "a", "a")
    assert turns.next(["here"]) is first
    turns.hold(first)
    assert turns.next(["here"]) is second
    turns.want(first)  # which now waits behind the other
    assert turns.next(["here"]) is second


def test_who_has_fewer_rows_comes_first() -> None:
    turns: Turns[str] = Turns()
    for wish in waiting(turns, *"aaa"):
        turns.give(wish, "here")
    waiting(turns, *"aaabbbb")
    assert order(turns, keep=True) == "bbbabaa"


def test_bulk_waits_for_all_others() -> None:
    turns: Turns[str] = Turns()
    waiting(turns, *"bb", bulk=True)
    waiting(turns, *"aa")
    assert order(turns) == "aabb"


def test_bulk_fills_a_place_where_nobody_else_may_speak() -> None:
    turns: Turns[str] = Turns()
    (pinned,) = waiting(turns, "a")
    turns.give(pinned, "there")
    turns.done(pinned)
    turns.want(pinned)
    (bulk,) = waiting(turns, "b", bulk=True)
    assert turns.next(["here"]) is bulk
    assert turns.next(["here", "there"]) is pinned


def test_a_long_text_gives_way_between_its_lines() -> None:
    turns: Turns[str] = Turns()
    (long,) = waiting(turns, "a")
    turns.give(long, "here")
    (short,) = waiting(turns, "b")  # comes while the first line is spoken
    turns.done(long)
    turns.want(long)
    assert turns.next(["here"]) is short


def test_new_clients_don_t_push_the_others_back() -> None:
    turns: Turns[str] = Turns()
    first, _second = waiting(turns, "a", "a")
    turns.give(first, "here")
    turns.leave(first)
    for index in range(20):
        waiting(turns, f"new{index}")
        wish = turns.next(["here"])
        assert wish is not None
        turns.give(wish, "here")
        turns.leave(wish)
        if wish.client == "a":
            return
    raise AssertionError("a never got its second turn")


def test_counts() -> None:
    turns: Turns[str] = Turns()
    wishes = [*waiting(turns, "a", "b", "b"), *waiting(turns, "b", bulk=True)]
    assert (turns.count(False), turns.count(True), turns.count(False, "b"), turns.count(True, "c")) == (3, 1, 2, 0)
    turns.give(wishes[0], "here")
    assert turns.count(False) == 2
    for wish in wishes:
        turns.leave(wish)
    assert (turns.count(False), turns.count(True)) == (0, 0)
    assert turns._clients == ({}, {})  # nothing is kept of who is gone


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(1, 4)), max_size=25), st.integers(1, 4))
def test_every_line_of_every_job_is_spoken_once(jobs: list[tuple[str, bool, int]], slots: int) -> None:
    turns: Turns[int] = Turns()
    left: Counter[int] = Counter()
    wishes = [Wish[int](client, bulk) for client, bulk, _ in jobs]
    for wish, (_, _, lines) in zip(wishes, jobs, strict=True):
        turns.enter(wish)
        turns.want(wish)
        left[id(wish)] = lines
    speaking: list[Wish[int]] = []
    while True:
        free = [place for place in range(2) if sum(wish.home == place for wish in speaking) < slots]
        while free and (wish := turns.next(free)):
            turns.give(wish, wish.home if wish.home is not None else free[0])
            speaking.append(wish)
            free = [place for place in range(2) if sum(each.home == place for each in speaking) < slots]
        if not speaking:
            break
        wish = speaking.pop(0)
        left[id(wish)] -= 1
        turns.done(wish)
        if left[id(wish)]:
            turns.want(wish)
        else:
            turns.leave(wish)
    assert not any(left.values())
    assert turns._clients == ({}, {})
