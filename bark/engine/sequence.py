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
    with _writer(model, capacity, slots) as writer:
        yield from written(writer, sequences)


@torch.inference_mode()
def written(writer: Writer, sequences: Iterable[tuple[K, Sequence[T]]]) -> Iterator[tuple[K, T]]:
    """What sequences put out, by a writer that nobody else uses; see `together`."""
    waiting = iter(sequences)
    free = list(range(writer.slots))
    rows: list[_Row[K, T]] = []
    while True:
        while free and (new := next(waiting, None)) is not None:
            row = _Row(*new, slot=min(free))
            free.remove(row.slot)
            yield from row.advance(writer)
            _keep(row, rows, free)
        if not rows:
            return
        for row, tokens in zip(rows, writer.go_on([row.slot for row in rows]), strict=True):
            row.tokens.extend(tokens)
        before, rows = rows, []
        for row in before:
            yield from row.advance(writer)
            _keep(row, rows, free)


@dataclass
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
def _writer(model: GPT, capacity: int, slots: int) -> Iterator[Writer]:
    if not in_blocks(model.device):
        yield StepWriter(model, capacity, slots)
        return
    with workspace(model, capacity, slots) as own:
        yield BlockWriter(model, own)


def _keep(row: _Row[K, T], rows: list[_Row[K, T]], free: list[int]) -> None:
    """Among the rows, or, if it has ended, its slot among those to be had."""
    if row.ended:
        free.append(row.slot)
    else:
        rows.append(row)
