"""Writing many tokens before any is looked at: on a GPU a look is a wait, and whatever is launched takes its time.

A step is the same work for every token: each row picks a token from what the trunk last said of it, and the trunk
reads that token. What tells the rows apart — how long they are, how they are sampled, whose turn it is — stands in
tensors (`Workspace`), so that a step can be recorded once and then replayed. Rows that have written all that they were
asked for, and places where there is no row, go along, and nothing comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bark.engine.row_sampling import Ways, numbers, ways
from bark.engine.workspace import LONGEST, Workspace, first_of
from bark.engine.writing import Head, Write
from bark.models.gpt import GPT

EVERY = 16  # tokens after which is looked whether a row has ended
SEEN = 256  # positions: attention is to a multiple of them


@dataclass(eq=False)
class _Row:
    """What one sequence asked for.

    Attributes:
        place: in the workspace.
        read: whether what comes before its tokens has been read.
        done: tokens written.
    """

    write: Write
    place: int
    read: bool = False
    done: int = 0

    @property
    def start(self) -> int:
        """Positions before its tokens."""
        return self.write.keep + len(self.write.positions)

    @property
    def left(self) -> int:
        """Tokens that may yet be asked for."""
        return self.write.count - self.done


class BlockWriter:
    """Rows whose tokens come many at a time, as far as they have been asked for.

    Args:
        model: that writes.
        workspace: made for it.
    """

    def __init__(self, model: GPT, workspace: Workspace) -> None:
        self.model = model
        self.workspace = workspace
        self.slots = workspace.rows
        self._rows: dict[int, _Row] = {}
        self._counts = [*(1 << n for n in range((self.slots - 1).bit_length())), self.slots]
        room = workspace.cache.room
        self._seen = [*range(SEEN, room, SEEN), room]

    def begin(self, slot: int, write: Write) -> None:
        """See `Writer`."""
        if write.end > self.workspace.cache.capacity:
            raise ValueError(f"{write.end} positions don't fit a cache of {self.workspace.cache.capacity}")
        before = self._rows.get(slot)
        if write.keep > (before.start + before.done if before else 0):
            raise ValueError(f"can't keep {write.keep} positions: fewer have been read")
        taken = {row.place for row in self._rows.values()}
        place = before.place if before else min(set(range(self.slots)) - taken)
        self._rows[slot] = _Row(write, place)

    def go_on(self, slots: Sequence[int]) -> list[list[int]]:
        """The next tokens of each."""
        self._rows = {slot: self._rows[slot] for slot in slots}
        rows = list(self._rows.values())
        self._close_gaps(rows)
        self._read([row for row in rows if not row.read])
        said: dict[int, list[int]] = {}
        for heads in dict.fromkeys(row.write.heads for row in rows):
            said |= self._write([row for row in rows if row.write.heads == heads], heads)
        return [said[row.place] for row in rows]

    def _close_gaps(self, rows: list[_Row]) -> None:
        """Moves rows to the front, where a step of fewer places will do."""
        count = first_of(self._counts, len(rows))
        free = sorted(set(range(count)) - {row.place for row in rows})
        for row in rows:
            if row.place >= count:
                place = free.pop(0)
                self.workspace.move(row.place, place)
                row.place = place

    def _read(self, rows: list[_Row]) -> None:
        """Has what rows read before they write read; what is equally long, together."""
        for keep, length in dict.fromkeys((row.write.keep, len(row.write.positions)) for row in rows):
            alike = [row for row in rows if (row.write.keep, len(row.write.positions)) == (keep, length)]
            places = [row.place for row in alike]
            embedded = torch.cat([row.write.embedded for row in alike])
            positions = torch.stack([row.write.positions for row in alike])
            hidden = self.model(embedded, positions, self.workspace.cache.reader(places, keep), tail=1)[:, 0]
            for row, said in zip(alike, hidden, strict=True):
                self.workspace.hidden[row.place] = said
                row.read = True

    def _write(self, rows: list[_Row], heads: tuple[Head, ...]) -> dict[int, list[int]]:
        """Tokens of rows of the same heads, by their places."""
        steps = _steps(rows)
        how = ways([row.write.sampler for row in rows])
        samplers = self.workspace.samplers(heads)
        by_place = {row.place: row.write.sampler for row in rows}
        places = first_of(self._counts, max(by_place) + 1)
        seen = first_of(self._seen, max(row.start + row.done + min(steps, row.left) for row in rows))
        self._send(rows)
        samplers.begin(how.window, by_place)
        for step in range(steps):
            for row in rows:
                if (row.done + step) % samplers.ahead == 0 and step < row.left:
                    samplers.draw(row.place, row.write.sampler)
            self.workspace.graphs.run((heads, how, places, seen), partial(self._step, heads, how, places, seen))
        samplers.end(how.window, by_place)
        said = self.workspace.said[:, :steps].tolist()  # the one wait
        new = {row.place: said[row.place][: row.left] for row in rows}
        for row in rows:
            row.done += len(new[row.place])
        return new

    def _send(self, writing: list[_Row]) -> None:
        """Numbers of all rows; those that aren't writing have nothing left to write."""
        self.workspace.sheet.send(
            {
                row.place: {
                    **numbers(row.write.sampler),
                    "done": row.done,
                    "count": row.write.count if row in writing else 0,
                    "position": row.write.position,
                    "length": row.start,
                }
                for row in self._rows.values()
            }
        )

    def _step(self, heads: tuple[Head, ...], how: Ways, places: int, seen: int) -> None:
        """One token of each row; nothing here may wait for the device, or be another tensor the next time."""
        own, model = self.workspace, self.model
        given = own.sheet.first(places)
        done, hidden = given["done"], own.hidden[:places]
        active, turn = done < given["count"], done % len(heads)
        logits = _logits(model, heads, hidden, turn)
        tokens = own.samplers(heads).pick(logits, how, given, done, active) + own.firsts(heads)[turn]
        own.said[:places].scatter_(1, given["step"][:, None], tokens[:, None])
        positions = (given["position"] + done).clamp(max=model.config.block_size - 1)
        cache = own.cache.step(given["length"] + done, seen)
        said = model(model.embed(tokens[:, None]), positions[:, None], cache, tail=1)[:, 0]
        hidden.copy_(torch.where(active[:, None], said, hidden))
        done += active
        given["step"] += 1


def _steps(rows: list[_Row]) -> int:
    """How many tokens to write before a look: few where a row may stop, else as many as all of them want."""
    left = [row.left for row in rows]
    few = min(EVERY, max(left))
    return few if any(row.write.may_stop for row in rows) else min(LONGEST, max(few, min(left)))


def _logits(model: GPT, heads: tuple[Head, ...], hidden: Tensor, turn: Tensor) -> Tensor:
    """Of each row's head [B, V], for hidden [B, C] and turn [B]."""
    if len(heads) == 1:
        return heads[0].logits(model, hidden)
    each = torch.stack([head.logits(model, hidden) for head in heads], dim=1)
    return each[torch.arange(len(turn), device=turn.device), turn]
