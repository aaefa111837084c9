"""Requests through all stages together: each is what it is alone, and none is in the way of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.flow import Failed, Flow, together
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.record import Record
from bark.request import FloatArray, Request, Take
from bark.speaking import Speaking
from bark.voices import Voice

TEXTS = ["Hello there.", "The boat left before dawn.", "My name is Suno.", "And I like pizza."]


@pytest.fixture(scope="module")
def exact(checkpoint: Path) -> Bark:
    return Bark(checkpoint, "cpu", "float32")


@pytest.fixture
def requests(exact: Bark) -> list[Request]:
    numbered = enumerate(TEXTS, 1)
    return [
        exact.request(
            text, options=GenerateOptions(seed=seed, max_duration=0.4 * seed, retries=0, best_of=1 + seed % 3)
        )
        for seed, text in numbered
    ]


def ran(flow: Flow[int]) -> Iterator[tuple[int, FloatArray | Take | Failed]]:
    while flow.busy:
        yield from flow.step()


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_each_is_as_alone(slots: int, exact: Bark, requests: list[Request]) -> None:
    heard: dict[int, list[FloatArray]] = {n: [] for n in range(len(requests))}
    takes: dict[int, Take] = {}
    waiting = list(enumerate(requests))
    with Flow[int](Speaking(exact.parts), slots) as flow:
        while waiting or flow.busy:
            while waiting and flow.free:
                flow.begin(*waiting.pop(0))
            assert len(flow) <= 2 * slots
            for key, item in flow.step():
                assert key not in takes
                if isinstance(item, Take):
                    takes[key] = item
                else:
                    assert isinstance(item, np.ndarray)
                    heard[key].append(item)
    for n, request in enumerate(requests):
        (alone,) = exact.iterate([request])
        assert np.array_equal(np.concatenate(heard[n]), alone[1].audio)
        assert np.array_equal(np.concatenate(list(takes[n].pieces)), alone[1].audio)
        streamed = Speaking(exact.parts).take(request, Record()).pieces
        assert np.array_equal(np.concatenate(list(streamed)), alone[1].audio)
        assert takes[n].record.timings.keys() == {"semantic", "coarse", "fine", "codec"}


def test_audio_comes_before_a_row_is_done(exact: Bark) -> None:
    request = exact.request(TEXTS[0], options=GenerateOptions(seed=1, retries=0))
    with Flow[int](Speaking(exact.parts), 1) as flow:
        flow.begin(0, request)
        pieces = [item for _, item in ran(flow) if not isinstance(item, Take)]
    assert len(pieces) > 2


def test_a_free_slot_takes_the_next(exact: Bark, requests: list[Request]) -> None:
    with Flow[int](Speaking(exact.parts), 2) as flow:
        assert flow.free == 2
        flow.begin(0, requests[0])
        flow.begin(1, requests[3])
        assert flow.free == 0
        while not flow.free:
            list(flow.step())
        flow.begin(2, requests[1])
        done = [key for key, item in ran(flow) if isinstance(item, Take)]
    assert sorted(done) == [0, 1, 2]


@pytest.mark.parametrize("when", [0, 1, 5, "heard"])
def test_who_is_given_up_is_gone_at_once(when: int | str, exact: Bark, requests: list[Request]) -> None:
    with Flow[str](Speaking(exact.parts), 2) as flow:
        flow.begin("gone", requests[3])
        flow.begin("stays", requests[1])
        items = []
        if when == "heard":
            while "gone" not in [key for key, _ in items]:
                items += list(flow.step())
        else:
            for _ in range(int(when)):
                items += list(flow.step())
        flow.cancel("gone")
        flow.cancel("gone")
        assert (len(flow), flow.free) == (1, 1) or when == "heard"
        items = [item for item in items if item[0] != "gone"]
        flow.begin("new", requests[0])
        while flow.busy:
            items += list(flow.step())
    assert {key for key, _ in items} == {"stays", "new"}
    for key, n in (("stays", 1), ("new", 0)):
        (alone,) = exact.iterate([requests[n]])
        (take,) = [item for name, item in items if name == key and isinstance(item, Take)]
        assert np.array_equal(np.concatenate(list(take.pieces)), alone[1].audio)


def test_given_up_by_who_hears_a_piece(exact: Bark, requests: list[Request]) -> None:
    after: list[str] = []
    with Flow[str](Speaking(exact.parts), 2) as flow:
        flow.begin("gone", requests[3])
        flow.begin("stays", requests[2])
        while flow.busy:
            for key, _ in flow.step():
                after.append(key)
                if key == "gone":
                    flow.cancel(key)
    assert after.count("gone") == 1
    assert after[-1] == "stays"


def test_an_error_is_of_one_only(exact: Bark, requests: list[Request], voice: Voice) -> None:
    strange = Voice("strange", voice.semantic, voice.coarse, voice.fine + 5000)
    wrong = replace(requests[1], voice=strange)
    with Flow[int](Speaking(exact.parts), 2) as flow:
        flow.begin(0, requests[0])
        flow.begin(1, wrong)
        last = dict(ran(flow))
    assert isinstance(last[0], Take)
    assert isinstance(last[1], Failed)
    with pytest.raises(type(last[1].error)):
        list(together(Speaking(exact.parts), [requests[0], wrong], 2))


def test_one_model_at_a_time(exact: Bark, requests: list[Request]) -> None:
    """More requests than slots, the next one begun as soon as there is room."""
    flow = Flow[int](Speaking(exact.parts), 2)
    flow._apart = True  # what a GPU without room for all asks for
    takes: dict[int, Take] = {}
    waiting = list(enumerate(requests))
    with flow:
        for _ in range(10_000):
            while waiting and flow.free:
                flow.begin(*waiting.pop(0))
            if not flow.busy:
                break
            takes.update((key, item) for key, item in flow.step() if isinstance(item, Take))
    assert sorted(takes) == list(range(len(requests)))
    for n, request in enumerate(requests):
        (alone,) = exact.iterate([request])
        assert np.array_equal(np.concatenate(list(takes[n].pieces)), alone[1].audio)
