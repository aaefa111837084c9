"""Requests through all stages of a model, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from bark.engine.sequence import Rows, Sequence, writing
from bark.engine.writing import Ask
from bark.record import Record
from bark.request import FloatArray, Request, Take, Tried
from bark.sound import Sound
from bark.speaking import Speaking
from bark.tokens import IntArray
from bark.trying import Tries

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Failed(NamedTuple):
    """What went wrong with a request; the others go on."""

    error: Exception


class Ended(NamedTuple):
    """A sequence has put out all that it had."""


@dataclass(eq=False)
class _Spoken(Generic[K]):
    """A request on its way.

    Attributes:
        tries: of its semantic tokens, once they are begun.
        takes: of the try that it is at, as far as they haven't ended.
        tried: its semantic tokens, once they are there.
        sound: what makes audio of its codes, once there are any.
        pieces: of its audio, so far.
    """

    key: K
    request: Request
    record: Record
    tries: Tries | None = None
    tried: Tried | None = None
    sound: Sound | None = None

    def __post_init__(self) -> None:
        self.takes: list[_Saying[K]] = []
        self.codes: list[IntArray] = []
        self.pieces: list[FloatArray] = []
        self.saying = ExitStack()  # while it is open, time counts as the first stage's


@dataclass(eq=False)
class _Saying(Generic[K]):
    """One take of a request's semantic tokens.

    Attributes:
        take: its number.
        sequence: of its tokens.
    """

    spoken: _Spoken[K]
    take: int
    sequence: Sequence[int]


class Flow(Generic[K]):
    """Utterances that are made at the same time, a step of each after another.

    Each of the two causal stages has so many slots. A request takes one of the first stage's for each take of its
    tokens, then one of the second's; fine codes and audio are made of what that gives, as soon as it gives it. What is
    at hand is bounded by the slots. Where one model at a time is on the device, a stage is done with all requests
    before the next begins.

    To be used in a `with` block, by one thread:

        with Flow(speaking, 8) as flow:
            flow.begin("a", request)
            while flow.busy:
                for key, item in flow.step():
                    …

    Args:
        speaking: of the model.
        slots: requests in either stage.
    """

    def __init__(self, speaking: Speaking, slots: int) -> None:
        self.slots = slots
        self._speaking = speaking
        self._apart = speaking.parts.offload
        self._entered: deque[_Spoken[K]] = deque()
        self._takes: deque[_Saying[K]] = deque()
        self._said: deque[_Spoken[K]] = deque()
        self._written: deque[_Spoken[K]] = deque()
        self._going: dict[K, _Spoken[K]] = {}
        self._open = ExitStack()
        self._stages: dict[str, tuple[Any, Rows[Any, Any]]] = {}

    def __enter__(self) -> Flow[K]:
        return self

    def __exit__(self, *error: object) -> None:
        for key in list(self._going):
            self.cancel(key)
        self._close()

    @property
    def busy(self) -> bool:
        """Whether there is anything to go on with."""
        return bool(self._going)

    @property
    def free(self) -> int:
        """Requests that there is room for now; what waits for the second stage takes room in the first."""
        before = sum(spoken.tried is None for spoken in self._going.values())
        return self.slots - before - len(self._said)

    def __len__(self) -> int:
        """Requests on their way."""
        return len(self._going)

    def begin(self, key: K, request: Request) -> None:
        """Takes a request, if there is room for it.

        Args:
            key: that what is made of it comes with; of no other request on its way.
            request: see `Bark.request`.
        """
        self._going[key] = spoken = _Spoken(key, request, Record())
        self._entered.append(spoken)

    def cancel(self, key: K) -> None:
        """Gives a request up, if it is on its way: its slot is free at once."""
        spoken = self._going.pop(key, None)
        if spoken is None:
            return
        for queue in (self._entered, self._said, self._written):
            if spoken in queue:
                queue.remove(spoken)
        for take in spoken.takes:
            if take in self._takes:
                self._takes.remove(take)
        for _, rows in self._stages.values():
            for row in (*spoken.takes, spoken):
                rows.drop(row)
        spoken.saying.close()

    def step(self) -> Iterator[tuple[K, FloatArray | Take | Failed]]:
        """Goes on a little with all of them.

        Returns:
            What was made, with the keys: audio [T] of any, as soon as no later step can change it; of those that are
            done, after all of their audio, the take; of those that can't be made, the error.
        """
        if not self._apart:
            yield from self._say()
            yield from self._write()
        elif self._busy("coarse"):  # its rows would be lost with the stage
            yield from self._write()
        elif self._to_say:
            yield from self._say()
        elif self._said:
            yield from self._write()
        elif self._written:
            yield from self._hear(self._written.popleft())

    @property
    def _to_say(self) -> bool:
        """Whether the semantic stage has anything to do."""
        return bool(self._entered or self._takes) or self._busy("semantic")

    def _say(self) -> Iterator[tuple[K, Failed]]:
        """A step of the semantic stage."""
        if not self._to_say:
            return
        stage, rows = self._stage("semantic")
        while rows.free and (self._takes or self._entered):
            if not self._takes:
                spoken = self._entered.popleft()
                spoken.tries = Tries(self._speaking.parts, spoken.request, stage, spoken.record)
                spoken.saying.enter_context(spoken.record.running("semantic"))
                self._try(spoken, spoken.tries)
            take = self._takes.popleft()
            yield from self._said_of(rows.begin(take, _ended(take.sequence)))
        if rows.busy:
            yield from self._said_of(rows.step())

    def _try(self, spoken: _Spoken[K], tries: Tries) -> None:
        """Has the takes of a request's next try said before all others'."""
        spoken.takes = [_Saying(spoken, number, sequence) for number, sequence in enumerate(tries.begin())]
        self._takes.extendleft(reversed(spoken.takes))

    def _said_of(self, items: Iterator[tuple[_Saying[K], Any]]) -> Iterator[tuple[K, Failed]]:
        for saying, item in items:
            spoken = saying.spoken
            assert spoken.tries is not None
            if isinstance(item, Failed):
                yield self._failed(spoken, item.error)
            elif not isinstance(item, Ended):
                spoken.tries.say(saying.take, item)
            else:
                spoken.takes.remove(saying)
                if not spoken.takes:
                    yield from self._judged(spoken, spoken.tries)

    def _judged(self, spoken: _Spoken[K], tries: Tries) -> Iterator[tuple[K, Failed]]:
        """Goes on with the tokens that are to be spoken, or with another try."""
        try:
            spoken.tried = tries.judge()
        except Exception as error:
            yield self._failed(spoken, error)
            return
        if spoken.tried is None:
            self._try(spoken, tries)
            return
        spoken.saying.close()
        self._said.append(spoken)

    def _write(self) -> Iterator[tuple[K, FloatArray | Take | Failed]]:
        """A step of the coarse stage, and what follows from it."""
        if not (self._said or self._busy("coarse")):
            return
        stage, rows = self._stage("coarse")
        while self._said and rows.free:
            spoken = self._said.popleft()
            assert spoken.tried is not None
            try:
                coarse = spoken.tried.request.coarse(stage, spoken.tried.tokens)
            except Exception as error:  # the voice's codes are looked at here
                yield self._failed(spoken, error)
                continue
            yield from self._written_of(rows.begin(spoken, _ended(_noted("coarse", coarse, spoken.record))))
        if rows.busy:
            yield from self._written_of(rows.step())

    def _written_of(self, items: Iterator[tuple[_Spoken[K], Any]]) -> Iterator[tuple[K, FloatArray | Take | Failed]]:
        for spoken, item in items:
            if isinstance(item, Failed):
                yield self._failed(spoken, item.error)
            elif self._apart:
                self._collect(spoken, item)
            else:
                yield from self._heard(spoken, item)

    def _collect(self, spoken: _Spoken[K], item: IntArray | Ended) -> None:
        """Keeps codes until the coarse stage is done with all."""
        if isinstance(item, Ended):
            self._written.append(spoken)
        else:
            spoken.codes.append(item)

    def _hear(self, spoken: _Spoken[K]) -> Iterator[tuple[K, FloatArray | Take | Failed]]:
        """All audio of codes that were kept."""
        assert spoken.tried is not None
        self._close()
        try:
            for piece in self._speaking.sound(iter(spoken.codes), spoken.tried.request, spoken.record):
                spoken.pieces.append(piece)
                yield spoken.key, piece
        except Exception as error:
            yield self._failed(spoken, error)
        else:
            yield self._done(spoken)

    def _heard(self, spoken: _Spoken[K], item: IntArray | Ended) -> Iterator[tuple[K, FloatArray | Take | Failed]]:
        """The audio that some codes, or their end, settle."""
        assert spoken.tried is not None
        try:
            if spoken.sound is None:
                spoken.sound = Sound(self._speaking.parts, spoken.tried.request, spoken.record)
            ended = isinstance(item, Ended)
            for piece in spoken.sound.finish() if ended else spoken.sound.push(item):  # type: ignore[arg-type]
                spoken.pieces.append(piece)
                yield spoken.key, piece
                if spoken.key not in self._going:
                    return
        except Exception as error:
            yield self._failed(spoken, error)
        else:
            if ended:
                yield self._done(spoken)

    def _done(self, spoken: _Spoken[K]) -> tuple[K, Take]:
        assert spoken.tried is not None
        self._going.pop(spoken.key, None)
        take = Take.of(spoken.request, spoken.tried, spoken.record, spoken.pieces)
        return spoken.key, take.heard(spoken.pieces, self._speaking.tokens.sample_rate)

    def _failed(self, spoken: _Spoken[K], error: Exception) -> tuple[K, Failed]:
        self.cancel(spoken.key)
        return spoken.key, Failed(error)

    def _busy(self, name: str) -> bool:
        return name in self._stages and self._stages[name][1].busy

    def _stage(self, name: str) -> tuple[Any, Rows[Any, Any]]:
        """A stage with its rows; borrowed, with room for them, when it is first needed."""
        if name not in self._stages:
            if self._apart:
                self._close()
            part = self._speaking.parts.semantic() if name == "semantic" else self._speaking.parts.coarse()
            stage: Any = self._open.enter_context(part)
            self._stages[name] = stage, Rows(self._open.enter_context(writing(stage.model, stage.capacity, self.slots)))
        return self._stages[name]

    def _close(self) -> None:
        self._stages.clear()
        self._open.close()


def together(speaking: Speaking, requests: Iterable[Request], slots: int) -> Iterator[Take]:
    """Takes of many requests, whole, in the order in which they are done.

    Args:
        speaking: of the model.
        requests: asked for when there is room for them. It may have run out for now only: it is asked again.
        slots: requests in either of the causal stages.

    Raises:
        Exception: whatever went wrong with a request.
    """
    waiting = iter(requests)
    with Flow[int](speaking, slots) as flow:
        count = 0
        while True:
            while flow.free and (new := next(waiting, None)) is not None:
                flow.begin(count, new)
                count += 1
            if not flow.busy:
                return
            for _, item in flow.step():
                if isinstance(item, Failed):
                    raise item.error
                if isinstance(item, Take):
                    yield item


def _ended(sequence: Sequence[T]) -> Sequence[T | Ended | Failed]:
    """The same sequence, with a word at its end, whatever ends it."""
    try:
        yield from sequence
    except Exception as error:
        yield Failed(error)
    else:
        yield Ended()


def _noted(stage: str, sequence: Sequence[T], record: Record) -> Sequence[T]:
    """The same; what it puts out is noted, and the time from its first read to its end."""
    pieces: list[T] = record.pieces.setdefault(stage, [])
    reply = None
    with record.running(stage):
        while True:
            try:
                item = sequence.send(reply)
            except StopIteration:
                return
            if not isinstance(item, Ask):
                pieces.append(item)
            reply = yield item
