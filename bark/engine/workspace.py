"""What is kept beside a model that writes on a GPU: tensors that stay where they are, and recordings that use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from bark.engine.cuda_graph import Graphs
from bark.engine.row_sampling import RowSamplers
from bark.engine.static_cache import StaticCache
from bark.engine.writing import Head
from bark.models.gpt import GPT

LONGEST = 64  # tokens that are written without a look at them
AHEAD = 16  # tokens that a GPU draws for at once


class Sheet:
    """Numbers of each row, which are all sent at once.

    Args:
        rows: how many.
        device: where to.
    """

    WHOLE = ("step", "done", "count", "position", "length", "greedy", "top_k", "eos", "window")
    REAL = ("temperature", "top_p", "eos_p", "ratio")

    def __init__(self, rows: int, device: torch.device) -> None:
        self._whole = torch.zeros(len(self.WHOLE), rows, dtype=torch.int64, device=device)
        self._real = torch.ones(len(self.REAL), rows, device=device)

    def send(self, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Sends numbers by row and name; what is left out is 0 among the whole ones and 1 among the others."""
        for names, there, default in ((self.WHOLE, self._whole, 0), (self.REAL, self._real, 1)):
            table = [[rows.get(row, {}).get(name, default) for row in range(there.shape[1])] for name in names]
            here = torch.tensor(table, dtype=there.dtype, pin_memory=there.is_cuda)
            there.copy_(here, non_blocking=True)

    def first(self, rows: int) -> dict[str, Tensor]:
        """Of the first rows, by name, [B]; in place."""
        whole = dict(zip(self.WHOLE, self._whole[:, :rows], strict=True))
        return whole | dict(zip(self.REAL, self._real[:, :rows], strict=True))


class Workspace:
    """Where `BlockWriter` works.

    Args:
        model: whose shape and device it has; it isn't kept.
        capacity: positions to make room for, in each row.
        rows: how many.
        ahead: tokens that are drawn for at once; see `RowSamplers`.
        graphs: whether steps may be recorded and replayed.
    """

    def __init__(self, model: GPT, capacity: int, rows: int, *, ahead: int = AHEAD, graphs: bool = True) -> None:
        device, dtype = model.device, model.dtype
        self.rows = rows
        self.cache = StaticCache(model.config, capacity, rows, device=device, dtype=dtype)
        self.hidden = torch.zeros(rows, model.config.n_embd, device=device, dtype=dtype)
        self.said = torch.zeros(rows, LONGEST, dtype=torch.int64, device=device)
        self.sheet = Sheet(rows, device)
        self.graphs = Graphs(device, graphs)
        self._ahead = ahead
        self._samplers: dict[tuple[Head, ...], RowSamplers] = {}
        self._firsts: dict[tuple[Head, ...], Tensor] = {}

    def samplers(self, heads: tuple[Head, ...]) -> RowSamplers:
        """For rows whose tokens these heads write in turn."""
        if heads not in self._samplers:
            device = self.hidden.device
            self._samplers[heads] = RowSamplers(self.rows, len(heads[0]), len(heads), self._ahead, device)
            self._firsts[heads] = torch.tensor([head.first for head in heads], device=device)
        return self._samplers[heads]

    def firsts(self, heads: tuple[Head, ...]) -> Tensor:
        """Tokens that the first logits of each of these heads stand for."""
        return self._firsts[heads]

    def move(self, row: int, to: int) -> None:
        """Has one row in another's place."""
        self.cache.move(row, to)
        self.hidden[to] = self.hidden[row]
        for samplers in self._samplers.values():
            samplers.move(row, to)

    def fits(self, capacity: int, rows: int) -> bool:
        """Whether it is what is wanted."""
        return (self.cache.capacity, self.rows) == (capacity, rows)


# by the weights rather than the model: recordings are of tensors, and a model that visits a GPU leaves with its own
_idle: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


@contextmanager
def workspace(model: GPT, capacity: int, rows: int) -> Iterator[Workspace]:
    """One of a model's, for the length of the block. One for a single row and one for several are kept for the next.

    Args:
        model: that works there, and without which none is kept.
        capacity: positions to make room for, in each row.
        rows: how many.
    """
    idle: list[Workspace] = _idle.setdefault(model.wpe.weight, [])  # type: ignore[no-untyped-call]
    found = _taken(idle, capacity, rows) or Workspace(model, capacity, rows, graphs=model.graphs)
    try:
        yield found
    finally:
        _taken(idle, capacity, rows)
        idle.append(found)


def _taken(idle: list[Workspace], capacity: int, rows: int) -> Workspace | None:
    """That which fits; those in its place that don't are let go."""
    alike = [each for each in idle if (each.rows == 1) == (rows == 1)]
    for each in alike:
        idle.remove(each)
    return next((each for each in alike if each.fits(capacity, rows)), None)


def first_of(bounds: Sequence[int], least: int) -> int:
    """The first of rising bounds that is large enough."""
    return next(bound for bound in bounds if bound >= least)
