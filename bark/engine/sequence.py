"""Sequences that are written token by token, alone or several together.

A stage says what one utterance is made of, as a generator: it yields what it wants written (`Write`, `NEXT`) and is
sent a token for each; all else that it yields is output. A writer decides how: a token at a time where each is waited
for (`StepWriter`), or, on a GPU, many at a time without waiting (`BlockWriter`). There is no other way through a causal
stage, so a row together is the row alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import torch

from bark.engine.blocks import BlockWriter
from bark.engine.steps import StepWriter
from bark.engine.workspace import workspace
from bark.engine.writing import Ask, Next, Write, Writer
from bark.models.gpt import GPT

K = TypeVar("K")
T = TypeVar("T")
Sequence: TypeAlias = Generator[Ask | T, Any, None]


def alone(model: GPT, capacity: int, sequence: Sequence[T]) -> Iterator[T]:
    """What a sequence puts out.

    Args:
        model: that writes it.
        capacity: positions to make room for.
        sequence: not begun.
    """
    for _, item in together(model, capacity, [(None, sequence)]):
        yield item


def together(
    model: GPT, capacity: int, sequences: Iterable[tuple[K, Sequence[T]]], slots: int = 1
) -> Iterator[tuple[K, T]]:
    """What sequences put out, each with its key. As soon as one ends, the next one is begun.

    Args:
        model: that writes them.
        capacity: positions to make room for, in each slot.
        sequences: not begun, each with a key; the next is asked for when there is room for it.
        slots: how many are written at a time.
    """
    with writing(model, capacity, slots) as writer:
        yield from written(writer, sequences)


def written(writer: Writer, sequences: Iterable[tuple[K, Sequence[T]]]) -> Iterator[tuple[K, T]]:
    """What sequences put out, by a writer that nobody else uses; see `together`."""
    waiting = iter(sequences)
    rows: Rows[K, T] = Rows(writer)
    while True:
        while rows.free and (new := next(waiting, None)) is not None:
            yield from rows.begin(*new)
        if not rows.busy:
            return
        yield from rows.step()


class Rows(Generic[K, T]):
    """Sequences that are being written, each in a slot.

    Args:
        writer: that nobody else uses.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._free = list(range(writer.slots))
        self._rows: list[_Row[K, T]] = []

    @property
    def free(self) -> int:
        """Slots for sequences to be begun in."""
        return len(self._free)

    @property
    def busy(self) -> bool:
        """Whether any is being written."""
        return bool(self._rows)

    @torch.inference_mode()
    def begin(self, key: K, sequence: Sequence[T]) -> Iterator[tuple[K, T]]:
        """Takes a sequence, not begun, if a slot is free; gives what it puts out before it waits for a token."""
        row = _Row(key, sequence, slot=min(self._free))
        self._free.remove(row.slot)
        self._rows.append(row)
        yield from self._advance(row)

    @torch.inference_mode()
    def step(self) -> Iterator[tuple[K, T]]:
        """Goes on with all of them, a token or more each; gives what they put out."""
        rows = list(self._rows)
        for row, tokens in zip(rows, self._writer.go_on([row.slot for row in rows]), strict=True):
            row.tokens.extend(tokens)
        for row in rows:
            if row in self._rows:  # whoever got the one before may have dropped it
                yield from self._advance(row)

    def drop(self, key: K) -> None:
        """Gives up a sequence, if it is there: its slot is free at once."""
        for row in [row for row in self._rows if row.key is key]:
            self._let_go(row)
            row.sequence.close()

    def _advance(self, row: _Row[K, T]) -> Iterator[tuple[K, T]]:
        yield from row.advance(self._writer)
        if row.ended and row in self._rows:
            self._let_go(row)

    def _let_go(self, row: _Row[K, T]) -> None:
        self._rows.remove(row)
        self._free.append(row.slot)


@dataclass(eq=False)
class _Row(Generic[K, T]):
    """A sequence that has a slot, and tokens that it hasn't asked for yet."""

    key: K
    sequence: Sequence[T]
    slot: int
    tokens: deque[int] = field(default_factory=deque)
    ended: bool = False

    def advance(self, writer: Writer) -> Iterator[tuple[K, T]]:
        """Goes on until it asks for a token that isn't there, or ends."""
        reply = self.tokens.popleft() if self.tokens else None
        while True:
            try:
                item = self.sequence.send(reply)
            except StopIteration:
                self.ended = True
                return
            reply = None
            if isinstance(item, Write):
                self.tokens.clear()
                writer.begin(self.slot, item)
                return
            if not isinstance(item, Next):
                yield self.key, item  # type: ignore[misc]  # no other `Ask` there is
            elif self.tokens:
                reply = self.tokens.popleft()
            else:
                return


def in_blocks(device: torch.device) -> bool:
    """Whether tokens are written many at a time, because waiting for each takes longer than writing it."""
    return device.type == "cuda"


@contextmanager
def writing(model: GPT, capacity: int, slots: int) -> Iterator[Writer]:
    """A writer for the length of a `with` block; the arguments are those of `together`."""
    if not in_blocks(model.device):
        yield StepWriter(model, capacity, slots)
        return
    with workspace(model, capacity, slots) as own:
        yield BlockWriter(model, own)
