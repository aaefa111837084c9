"""Writing a token at a time: each is there before the next is begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bark.engine.kv_cache import KVCache
from bark.engine.sampling import pick_each
from bark.engine.token_step import Stepper
from bark.engine.writing import Head, Write
from bark.models.gpt import GPT


class StepWriter:
    """Rows that share the pass in which each reads its last token; longer reads would gain nothing by it.

    Every row attends to a cache of its own, which is as long as the row.

    Args:
        model: that writes.
        capacity: positions to make room for, in each slot.
        slots: rows at a time.
    """

    def __init__(self, model: GPT, capacity: int, slots: int) -> None:
        self.model = model
        self.slots = slots
        dtype = model.cache_dtype or model.dtype
        self._caches = [KVCache(model.config, capacity, device=model.device, dtype=dtype) for _ in range(slots)]
        self._stepper = model.token_step and Stepper(model.token_step, slots, capacity)
        self._rows: dict[int, _Row] = {}

    def begin(self, slot: int, write: Write) -> None:
        """See `Writer`."""
        cache = self._caches[slot]
        cache.truncate(write.keep)
        if write.gaze is not None:
            write.gaze.follow(cache)
        self._rows[slot] = _Row(write, cache)

    def go_on(self, slots: Sequence[int]) -> list[list[int]]:
        """The next token of each."""
        rows = [self._rows[slot] for slot in slots]
        begun = [row for row in rows if row.token is not None]
        if begun and self._stepper:
            self._step(begun, self._stepper)
        elif len(begun) > 1:
            self._step_together(begun)
        else:
            self._step_alone(begun)
        self._step_alone([row for row in rows if row.token is None])
        return [[row.last] for row in rows]

    def _step(self, rows: list[_Row], stepper: Stepper) -> None:
        """All read their last token, and pick their next."""
        tokens = [row.last for row in rows]
        hidden = stepper.read(tokens, [row.position for row in rows], [row.cache for row in rows])
        _pick(rows, hidden, lambda head, some: stepper.logits(some, head.rows))

    def _step_alone(self, rows: list[_Row]) -> None:
        """Each reads what is new to it, and picks its next token; what several begin with is read once."""
        begun: list[tuple[_Row, Tensor]] = []
        for row in rows:
            same = next(((other, hidden) for other, hidden in begun if row.begins_as(other)), None)
            if same is not None:
                other, hidden = same
                row.cache.take_from(other.cache)
            else:
                hidden = self._read_alone(row)
                begun.append((row, hidden))
            row.take(row.write.sampler(row.head.logits(self.model, hidden[0, 0]), row.turn))

    def _read_alone(self, row: _Row) -> Tensor:
        """What the trunk says of the last that is new to a row, [1, 1, C]."""
        embedded, positions = row.write.embedded, row.write.positions
        if row.token is not None:
            embedded = self.model.embed(row.token.view(1, 1))
            positions = torch.full((1,), row.position, device=embedded.device)
        hidden: Tensor = self.model(embedded, positions, row.cache, tail=1)
        return hidden

    def _step_together(self, rows: list[_Row]) -> None:
        """The same in one pass, where each reads its last token."""
        tokens = torch.tensor([row.last for row in rows], device=self.model.device)
        positions = torch.tensor([[row.position] for row in rows], device=tokens.device)
        caches = _Caches([row.cache for row in rows])
        hidden = self.model(self.model.embed(tokens[:, None]), positions, caches, tail=1)[:, 0]
        _pick(rows, hidden, lambda head, some: head.logits(self.model, some))


@dataclass
class _Row:
    """What one sequence asked for.

    Attributes:
        token: the last that was written, []; None while nothing is.
        done: tokens written.
    """

    write: Write
    cache: KVCache
    token: Tensor | None = None
    done: int = 0

    def begins_as(self, other: _Row) -> bool:
        """Whether all that it has to read is what another has read, with nothing before it, and kept as much of."""
        own, theirs = self.write, other.write
        return (
            (self.token is None and own.keep == theirs.keep == 0)
            and self.cache.watched <= other.cache.watched
            and torch.equal(own.positions, theirs.positions)
            and torch.equal(own.embedded, theirs.embedded)
        )

    @property
    def last(self) -> int:
        """The last token that was written."""
        assert self.token is not None
        return int(self.token)

    @property
    def head(self) -> Head:
        """Of the next token."""
        return self.write.heads[self.turn]

    @property
    def position(self) -> int:
        """Of the last token."""
        return self.write.position + self.done - 1

    def take(self, token: Tensor) -> None:
        """The next token is that number of its head."""
        self.token = token + self.head.first
        self.done += 1

    @property
    def turn(self) -> int:
        """Which of the heads is the next."""
        return self.done % len(self.write.heads)


def _pick(rows: list[_Row], hidden: Tensor, logits: Callable[[Head, Tensor], Tensor]) -> None:
    """Each row picks a token by what the trunk says, [B, C]; those at the same head share its product."""
    heads = [(row.head, row.turn) for row in rows]
    for head, turn in dict.fromkeys(heads):
        chosen = [i for i, each in enumerate(heads) if each == (head, turn)]
        some = hidden if len(chosen) == len(rows) else hidden[chosen]
        picked = [rows[i] for i in chosen]
        tokens = pick_each([row.write.sampler for row in picked], logits(head, some), turn)
        for row, token in zip(picked, tokens, strict=True):
            row.take(token)


@dataclass(frozen=True)
class _Caches:
    """Several rows' caches, as one of several rows."""

    caches: list[KVCache]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Attention of each row to what it has read, [B, H, T, D]."""
        gathered = []
        for i, cache in enumerate(self.caches):
            row = slice(i, i + 1)
            gathered.append(cache.attend(layer, query[row], key[row], value[row], causal))
        return torch.cat(gathered)
