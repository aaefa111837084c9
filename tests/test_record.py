"""Time is counted to the stage that takes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bark import record as record_module
from bark.record import Record


class Clock:
    """Goes on only when it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(record_module, "time", clock)
    return clock


def test_a_stage_is_not_charged_for_what_it_draws_on(clock: Clock) -> None:
    record = Record()

    def first() -> Iterator[int]:
        for number in range(3):
            clock.now += 1
            yield number
        clock.now += 1

    def second(source: Iterator[int]) -> Iterator[int]:
        with record.running("load"):
            clock.now += 100
        for number in source:
            clock.now += 10
            yield -number

    chain = record.watch("second", second(record.watch("first", first(), lambda _: 0.5)), lambda _: 0.5)
    for _ in chain:
        clock.now += 1000  # the consumer's own time is nobody's
    assert record.timings == {"first": 4, "second": 30, "load": 100}
    assert record.pieces == {"first": [0, 1, 2], "second": [0, -1, -2]}


def test_progress_tells_the_seconds_of_speech_and_the_end() -> None:
    told: list[tuple[str, float, bool]] = []
    record = Record(lambda *news: told.append(news))
    list(record.watch("fine", iter([4, 2]), lambda frames: frames / 2))
    assert told == [("fine", 2.0, False), ("fine", 3.0, False), ("fine", 3.0, True)]


def test_a_stage_that_fails_is_left() -> None:
    record = Record()

    def broken() -> Iterator[int]:
        raise ZeroDivisionError
        yield 1

    with pytest.raises(ZeroDivisionError):
        list(record.watch("fine", broken(), float))
    with record.running("codec"):
        pass
    assert set(record.timings) == {"fine", "codec"}
