"""One sequence read by a causal model, with what it has read kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bark.engine.kv_cache import KVCache
from bark.models.gpt import GPT


class Decoder:
    """Reads tokens and gives, for the last of them, what the head reads.

    Args:
        model: a causal model.
        capacity: positions to make room for.
    """

    def __init__(self, model: GPT, capacity: int) -> None:
        self.model = model
        self.cache = KVCache(model.config, capacity, device=model.device, dtype=model.dtype)
        self._tokens: list[int] = []
        self._steps: list[Tensor] = []

    def read(self, embedded: Tensor, positions: Tensor) -> Tensor:
        """Goes on with embedded tokens [1, T, C] at positions [T]; gives [C]."""
        hidden: Tensor = self.model(embedded, positions, self.cache, tail=1)
        return hidden[0, 0]

    def step(self, token: Tensor, position: int) -> Tensor:
        """Goes on with one token []; gives [C]."""
        self._steps.append(token)
        positions = torch.full((1,), position, device=token.device)
        return self.read(self.model.embed(token.view(1, 1)), positions)

    def start(self, tokens: Sequence[int]) -> Tensor:
        """Begins anew with tokens at positions 0, 1, …; gives [C].

        What begins like the tokens read before is not read again: the same tokens at the same positions have the
        same keys and values. That holds only where all tokens came by `start`, and by `step` at the next position.
        """
        same = min(common_prefix(self._read_so_far(), tokens), len(tokens) - 1)
        self.cache.truncate(same)
        self._tokens, self._steps = list(tokens), []
        new = torch.tensor(self._tokens[same:], device=self.model.device)
        return self.read(self.model.embed(new[None]), torch.arange(same, len(tokens), device=new.device))

    def _read_so_far(self) -> list[int]:
        # one wait for the device, where its caller has just waited for the same tokens
        steps: list[int] = torch.stack(self._steps).tolist() if self._steps else []
        return self._tokens + steps


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens at the beginning are the same."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
