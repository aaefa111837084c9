"""Sequences that are written token by token, alone or several together.

A stage says what one utterance is made of, as a generator: it yields what it wants read (`Read`) and is sent the
logits for it; all else that it yields is output. Who runs it decides whether that is read alone, or in one pass with
what others want read. There is no other way through a causal stage, so a row together is the row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import torch
from torch import Tensor

from bark.engine.kv_cache import KVCache
from bark.models.gpt import GPT

K = TypeVar("K")
T = TypeVar("T")
Head = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Read:
    """What a sequence wants its model to read.

    Attributes:
        embedded: tokens [1, T, C].
        positions: of these, [T].
        keep: how many of the positions read before stay; these tokens come after them.
        head: what the trunk says of the last token, [..., C], as the logits that the sequence is sent, [..., V]. For
            sequences that use the same one, it is called once.
    """

    embedded: Tensor
    positions: Tensor
    keep: int
    head: Head


Sequence: TypeAlias = Generator[Read | T, Any, None]


def alone(model: GPT, capacity: int, sequence: Sequence[T]) -> Iterator[T]:
    """What a sequence puts out.

    Args:
        model: that it is read by.
        capacity: positions to make room for.
        sequence: not begun.
    """
    for _, item in together(model, capacity, [(None, sequence)]):
        yield item


@torch.inference_mode()
def together(
    model: GPT, capacity: int, sequences: Iterable[tuple[K, Sequence[T]]], slots: int = 1
) -> Iterator[tuple[K, T]]:
    """What sequences put out, each with its key. As soon as one ends, the next one is begun.

    Args:
        model: that they are read by.
        capacity: positions to make room for, in each slot.
        sequences: not begun, each with a key; the next is asked for when there is room for it.
        slots: how many are written at a time.
    """
    waiting = iter(sequences)
    caches = [_cache(model, capacity) for _ in range(slots)]
    rows: list[_Row[K, T]] = []
    while True:
        while caches and (new := next(waiting, None)) is not None:
            row = _Row(*new, caches.pop())
            yield from row.advance(model, None, slots)
            _keep(row, rows, caches)
        if not rows:
            return
        replies = _read_together(model, rows)
        before, rows = rows, []
        for row, reply in zip(before, replies, strict=True):
            yield from row.advance(model, reply, slots)
            _keep(row, rows, caches)


@dataclass
class _Row(Generic[K, T]):
    """A sequence that has a slot, and what it wants read next; None once it has ended."""

    key: K
    sequence: Sequence[T]
    cache: KVCache
    wants: Read | None = None

    def advance(self, model: GPT, reply: Tensor | None, slots: int) -> Iterator[tuple[K, T]]:
        """Goes on until it wants a single token read; that others may want too. Longer reads gain nothing by it."""
        self.wants = None
        while True:
            try:
                item = self.sequence.send(reply)
            except StopIteration:
                return
            reply = None
            if not isinstance(item, Read):
                yield self.key, item
                continue
            self.cache.truncate(item.keep)
            if slots > 1 and item.embedded.shape[1] == 1:
                self.wants = item
                return
            hidden = model(item.embedded, item.positions, self.cache, tail=1)
            reply = item.head(hidden[0, 0])


@dataclass(frozen=True)
class _Caches:
    """Several sequences' caches, as one of several rows."""

    caches: list[KVCache]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Attention of each row to what it has read, [B, H, T, D]."""
        gathered = []
        for i, cache in enumerate(self.caches):
            row = slice(i, i + 1)
            gathered.append(cache.attend(layer, query[row], key[row], value[row], causal))
        return torch.cat(gathered)


def _read_together(model: GPT, rows: list[_Row[K, T]]) -> list[Tensor]:
    """Logits of each row for the token that it wants read."""
    wants = [row.wants for row in rows if row.wants is not None]
    embedded = torch.cat([each.embedded for each in wants])
    positions = torch.stack([each.positions for each in wants])
    hidden = model(embedded, positions, _Caches([row.cache for row in rows]), tail=1)[:, 0]
    said: list[Tensor] = [hidden] * len(rows)
    for head in {each.head for each in wants}:
        chosen = [i for i, each in enumerate(wants) if each.head == head]
        for i, logits in zip(chosen, head(hidden[chosen]), strict=True):
            said[i] = logits
    return said


def _keep(row: _Row[K, T], rows: list[_Row[K, T]], caches: list[KVCache]) -> None:
    """Among the rows, or, if it has ended, its cache among those to be had."""
    if row.wants is not None:
        rows.append(row)
    else:
        row.cache.reset()
        caches.append(row.cache)


def _cache(model: GPT, capacity: int) -> KVCache:
    return KVCache(model.config, capacity, device=model.device, dtype=model.dtype)
