"""Keys and values of the positions read so far."""

from __future__ import annotations

import torch
from torch import Tensor

from bark.models.config import GPTConfig
from bark.models.layers import attend


class KVCache:
    """Room for `capacity` positions, allocated once; `append` fills it, layer after layer.

    Args:
        config: shape of the model that fills it.
        capacity: positions; at most the model's block size.
        batch: rows.

    Attributes:
        capacity: positions there is room for.
    """

    def __init__(
        self, config: GPTConfig, capacity: int, *, device: torch.device, dtype: torch.dtype, batch: int = 1
    ) -> None:
        if not 0 < capacity <= config.block_size:
            raise ValueError(f"a cache of {capacity} positions, but the model reads 1 … {config.block_size}")
        shape = (batch, config.n_head, capacity, config.n_embd // config.n_head)
        # by layer: to take one out of all of them each time takes longer than to write to it
        self._keys = [torch.empty(shape, device=device, dtype=dtype) for _ in range(config.n_layer)]
        self._values = [torch.empty(shape, device=device, dtype=dtype) for _ in range(config.n_layer)]
        self.capacity = capacity
        self._length = 0

    @property
    def length(self) -> int:
        """Positions that all layers have read."""
        return self._length

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Takes keys and values [B, H, T, D] of new positions, gives those of all positions [B, H, S, D].

        The length grows with the last layer, so all layers of one pass write to the same place.

        Raises:
            ValueError: no room; nothing is written.
        """
        start, end = self._length, self._length + key.shape[2]
        if end > self.capacity:
            raise ValueError(f"{key.shape[2]} positions after {start} don't fit a cache of {self.capacity}")
        keys, values = self._keys[layer], self._values[layer]
        keys.narrow(2, start, end - start).copy_(key)
        values.narrow(2, start, end - start).copy_(value)
        if layer == len(self._keys) - 1:
            self._length = end
        return keys.narrow(2, 0, end), values.narrow(2, 0, end)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Attention of new positions to themselves and those read before, [B, H, T, D]; see `append`."""
        keys, values = self.append(layer, key, value)
        if keys.shape[2] > key.shape[2]:
            key, value = keys, values
        return attend(query, key, value, causal)

    def truncate(self, length: int) -> None:
        """Forgets the positions from `length` on.

        Raises:
            ValueError: fewer positions have been read.
        """
        if not 0 <= length <= self._length:
            raise ValueError(f"can't cut a cache of {self._length} positions to {length}")
        self._length = length

    def reset(self) -> None:
        """Forgets all positions."""
        self._length = 0
