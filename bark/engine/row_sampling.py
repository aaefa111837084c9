"""The samplers of many rows as one, without a wait: each row is sampled as by its own `Sampler`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bark.engine.sampling import NEVER, Sampler, Temperature, TopK, TopP

ALL = 1 << 62  # more than any vocabulary


class Ways(NamedTuple):
    """What any of the rows needs, so that the others' way is not gone for nothing.

    Attributes:
        narrow: top_k or top_p.
        may_end: `MinEos`.
        window: tokens that are looked at for repetition, rounded up to a power of two; 0 for none.
    """

    narrow: bool
    may_end: bool
    window: int


def ways(samplers: Iterable[Sampler]) -> Ways:
    """What these need."""
    samplers = list(samplers)
    filters = {type(each) for sampler in samplers for each in sampler.filters}
    window = max(sampler.options.repetition_window for sampler in samplers)
    may_end = any(sampler.end for sampler in samplers)
    return Ways(bool(filters & {TopK, TopP}), may_end, window and 1 << (window - 1).bit_length())


def numbers(sampler: Sampler) -> dict[str, float]:
    """How it picks, by the names of `RowSamplers`."""
    options = sampler.options
    found = {
        "greedy": float(options.greedy),
        "temperature": 1.0,
        "top_k": ALL,
        "top_p": math.inf,
        "eos": 0.0,
        "eos_p": math.inf,
        "window": options.repetition_window,
        "ratio": options.repetition_ratio,
    }
    for each in sampler.filters:
        if isinstance(each, Temperature):
            found["temperature"] = max(each.value, Temperature.LEAST)
        elif isinstance(each, TopK):
            found["top_k"] = each.k
        elif isinstance(each, TopP):
            found["top_p"] = each.p
        else:
            raise TypeError(f"{each!r} is not a filter of many rows")
    if sampler.end:
        found |= {"eos": sampler.end.eos, "eos_p": sampler.end.p}
    return found


class RowSamplers:
    """Draws come from a store that is filled from each row's own generator, so that they don't depend on other rows.

    Args:
        rows: how many.
        width: logits V of a row.
        turns: heads that take turns.
        ahead: tokens of a row that are drawn for at once. With 1, the draws are those of `Sampler`; more are quicker
            to draw on a GPU, and others.
        device: where.
    """

    def __init__(self, rows: int, width: int, turns: int, ahead: int, device: torch.device) -> None:
        self.ahead = ahead
        self._shape = (rows, ahead, width)
        self._turns = turns
        self._device = device
        self._draws = torch.ones(self._shape, device=device)
        self._again = torch.ones(0, device=device)
        self._recent: dict[int, Tensor] = {}

    def begin(self, window: int, samplers: Mapping[int, Sampler]) -> None:
        """Makes ready for tokens of some rows: what they repeat is repeated from here on."""
        if not window:
            return
        if not len(self._again):
            self._again = torch.ones(self._shape, device=self._device)
        if window not in self._recent:
            self._recent[window] = torch.full((self._shape[0], self._turns, window), -1, device=self._device)
        for row, sampler in samplers.items():
            self._recent[window][row, :, window - sampler.options.repetition_window :] = sampler.recent

    def end(self, window: int, samplers: Mapping[int, Sampler]) -> None:
        """Gives back what `begin` took."""
        for row, sampler in samplers.items() if window else ():
            sampler.recent = self._recent[window][row, :, window - sampler.options.repetition_window :].clone()

    def draw(self, row: int, sampler: Sampler) -> None:
        """Draws for the next tokens of a row."""
        if not sampler.options.greedy:
            self._draws[row].exponential_(generator=sampler.generator)
        if sampler.options.repetition_window:
            self._again[row].exponential_(generator=sampler.generator)

    def move(self, row: int, to: int) -> None:
        """Has one row in another's place."""
        self._draws[to] = self._draws[row]
        if len(self._again):
            self._again[to] = self._again[row]

    def pick(self, logits: Tensor, how: Ways, given: Mapping[str, Tensor], done: Tensor, active: Tensor) -> Tensor:
        """Tokens [B].

        Args:
            logits: of the first rows, [B, V].
            how: what is needed.
            given: `numbers` of each row, [B].
            done: tokens that each has picked, [B].
            active: rows that pick; what the others get is nothing, [B].
        """
        rows = torch.arange(len(logits), device=logits.device)
        logits = logits.float()
        filtered = _narrowed(logits, given["top_k"], given["top_p"]) if how.narrow else logits
        filtered = filtered / given["temperature"][:, None]
        probabilities = filtered.softmax(-1)
        drawn = (probabilities / self._draws[rows, done % self.ahead]).argmax(-1)
        tokens = torch.where(given["greedy"].bool(), filtered.argmax(-1), drawn)
        if how.may_end:
            ends = probabilities.gather(1, given["eos"][:, None])[:, 0] >= given["eos_p"]
            tokens = torch.where(ends, given["eos"], tokens)
        return self._varied(tokens, logits, how.window, given, done, active) if how.window else tokens

    def _varied(
        self, tokens: Tensor, logits: Tensor, window: int, given: Mapping[str, Tensor], done: Tensor, active: Tensor
    ) -> Tensor:
        """Those that fill too much of what came last are others; see `Sampler`."""
        rows, turn = torch.arange(len(logits), device=logits.device), done % self._turns
        recent = self._recent[window][rows, turn]
        looked_at = torch.arange(window, device=logits.device) >= window - given["window"][:, None]
        share = ((recent == tokens[:, None]) & looked_at).sum(-1) / given["window"].clamp(min=1)
        whole = (logits / given["temperature"][:, None]).softmax(-1)
        others = (whole / self._again[rows, done % self.ahead]).argmax(-1)
        tokens = torch.where(share > given["ratio"], others, tokens)
        later = torch.cat([recent[:, 1:], tokens[:, None]], dim=1)
        self._recent[window][rows, turn] = torch.where(active[:, None], later, recent)
        return tokens


def _narrowed(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Logits [B, V], −inf outside the nucleus and below the top k; see `TopP` and `TopK`."""
    values, tokens = logits.sort(descending=True)
    mass = values.softmax(-1).cumsum(-1)
    outside = torch.arange(logits.shape[-1], device=logits.device) >= top_k[:, None]
    outside[:, 1:] |= mass[:, :-1] > top_p[:, None]
    return torch.empty_like(logits).scatter(-1, tokens, values.masked_fill(outside, NEVER))
