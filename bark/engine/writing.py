"""What a sequence asks of whoever writes for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bark.engine.gaze import Gaze
from bark.engine.sampling import Sampler
from bark.models.gpt import GPT


@dataclass(frozen=True)
class Head:
    """Which tokens can be written.

    Attributes:
        rows: of the model's output vocabulary, one logit each, in this order.
        first: token that the first of these logits stands for; the next is the next.
    """

    rows: tuple[range, ...]
    first: int = 0

    def logits(self, model: GPT, hidden: Tensor) -> Tensor:
        """What the trunk says, [..., C], as logits [..., V]."""
        parts = [model.logits(hidden, slice(rows.start, rows.stop)) for rows in self.rows]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def __len__(self) -> int:
        """Logits."""
        return sum(map(len, self.rows))


class Ask:
    """Something that a sequence yields and that is no output: it is sent a token for it."""


@dataclass(frozen=True, eq=False)
class Write(Ask):
    """Reads something, and writes a token after it; further ones follow when they are asked for by `NEXT`.

    Attributes:
        embedded: what is read, [1, T, C].
        positions: of it, [T].
        keep: how many of the positions read before stay; these come after them.
        position: of the first token that is written; each next one has the next.
        count: how many tokens are asked for at most.
        heads: that take turns, a token each.
        sampler: that picks the tokens.
        may_stop: whether fewer than `count` may be asked for. Who writes ahead then goes on for a little only.
        gaze: told what is looked at, by who writes a token at a time.
    """

    embedded: Tensor
    positions: Tensor
    keep: int
    position: int
    count: int
    heads: tuple[Head, ...]
    sampler: Sampler
    may_stop: bool = False
    gaze: Gaze | None = None

    @property
    def end(self) -> int:
        """Positions that have been read when the last token has been written; that one is never read."""
        return self.keep + len(self.positions) + self.count - 1


class Next(Ask):
    """One more token."""


NEXT = Next()


class Writer(Protocol):
    """Reads and writes for the sequences in its slots."""

    slots: int

    def begin(self, slot: int, write: Write) -> None:
        """Takes what the sequence in a slot asks for, instead of what it asked for before.

        Raises:
            ValueError: there is no room for it.
        """

    def go_on(self, slots: Sequence[int]) -> list[list[int]]:
        """The next tokens of each, one or more, as far as they were asked for.

        Args:
            slots: all that are in use.
        """
