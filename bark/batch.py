"""Several texts spoken at a time, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bark.flow import together
from bark.lines import Line
from bark.narration import Narration
from bark.request import FloatArray, Request, Take, least_bad
from bark.result import Utterance
from bark.speaking import Speaking


@dataclass
class Part:
    """One text of a batch.

    Attributes:
        narration: of it.
        lines: of it.
        begun: how many of the lines are being spoken, or have been.
        done: what has been spoken while a line before it has not, by its number.
        pieces: what has been spoken otherwise, as a narration gives it.
    """

    narration: Narration
    lines: Sequence[Line]
    begun: int = 0
    done: dict[int, Take] = field(default_factory=dict)
    pieces: list[FloatArray | Utterance] = field(default_factory=list)

    def next(self) -> Request | None:
        """What can be spoken now; None where it must wait for another line, or there is nothing left."""
        if self.begun == len(self.lines):
            return None
        line, is_next = self.lines[self.begun], self.begun == self.narration.index
        if not is_next and (self.narration.max_duration is not None or not self._has_voice(line)):
            return None
        if is_next and self.narration.stops(line):
            self.begun = len(self.lines)
            return None
        self.begun += 1
        return self.narration.request(line)

    def finish(self, index: int, take: Take) -> None:
        """Takes what was spoken of a line."""
        self.done[index] = take
        while (index := self.narration.index) in self.done:
            take = self.done.pop(index)
            self.pieces += [*take.pieces, *self.narration.finish(self.lines[index], take)]

    def _has_voice(self, line: Line) -> bool:
        return line.voice is not None or self.narration.knows(line.speaker)


class Batch:
    """Texts through the slots of a model: a slot that is free takes the next line of any text that can be spoken.

    As an iterator it gives the requests that can be spoken now; when it has ended, there may be more once some of
    them are done.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._again: list[Request] = []
        self._spoken: dict[int, tuple[Part, int, list[Take]]] = {}  # part, line and takes, by the id of the request

    def __iter__(self) -> Iterator[Request]:
        return self

    def __next__(self) -> Request:
        if self._again:
            return self._again.pop(0)
        for part in self._parts:
            request = part.next()
            if request is not None:
                self._spoken[id(request)] = part, part.begun - 1, []
                return request
        raise StopIteration

    def speak(self, speaking: Speaking, slots: int) -> None:
        """Speaks all of them."""
        while True:
            spoken = False
            for take in together(speaking, self, slots):
                spoken = True
                self._finish(take)
            if not spoken:
                return

    def _finish(self, take: Take) -> None:
        part, index, takes = self._spoken.pop(id(take.asked))
        takes.append(take)
        again = take.next if index else None  # the first line of a text stays as it is, as in a stream
        if again is None:
            part.finish(index, least_bad(takes))
        else:
            self._again.append(again)
            self._spoken[id(again)] = part, index, takes
