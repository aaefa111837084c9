"""Keys and values of the positions read so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bark.models.config import GPTConfig
from bark.models.layers import attend, attention_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        self._queries: dict[int, Tensor] = {}
        self._length = 0

    def watch(self, layers: Collection[int]) -> None:
        """Keeps the queries of these layers, too, in float32, of positions that are read from now on."""
        for layer in set(layers) - set(self._queries):
            self._queries[layer] = torch.empty_like(self._keys[layer], dtype=torch.float32)
            self.__dict__.pop("addresses", None)

    @property
    def watched(self) -> Set[int]:
        """Layers whose queries are kept."""
        return self._queries.keys()

    def weights(self, layer: int, head: int, start: int, stop: int) -> Tensor:
        """Attention weights [stop − start, stop] of the queries at positions start … stop − 1, in the first row.

        Args:
            layer: that was watched when they were read.
            head: of it.
            start: the first position.
            stop: behind the last.
        """
        return attention_weights(self._queries[layer][0, head, start:stop], self._keys[layer][0, head, :stop], True)

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
        if layer in self._queries:
            last = self._length + key.shape[2]
            self._queries[layer].narrow(2, last - query.shape[2], query.shape[2]).copy_(query)
        keys, values = self.append(layer, key, value)
        if keys.shape[2] > key.shape[2]:
            key, value = keys.to(query.dtype), values.to(query.dtype)
        return attend(query, key, value, causal)

    @cached_property
    def addresses(self) -> NDArray[np.int64]:
        """Where keys, values and queries of each layer lie, [3, layers]; 0 where there are none."""
        queries = [self._queries.get(layer) for layer in range(len(self._keys))]
        kept = (self._keys, self._values, queries)
        return np.array([[0 if one is None else one.data_ptr() for one in each] for each in kept], dtype=np.int64)

    def truncate(self, length: int) -> None:
        """Forgets the positions from `length` on.

        Raises:
            ValueError: fewer positions have been read.
        """
        if not 0 <= length <= self._length:
            raise ValueError(f"can't cut a cache of {self._length} positions to {length}")
        self._length = length

    def take_from(self, other: KVCache) -> None:
        """Has read what another cache, of the same model, has.

        Raises:
            ValueError: there is no room for it, or not all queries that this one keeps.
        """
        if other._length > self.capacity:
            raise ValueError(f"{other._length} positions don't fit a cache of {self.capacity}")
        if not self.watched <= other.watched:
            raise ValueError(f"queries of layers {sorted(self.watched - other.watched)} were not kept")
        pairs = [*zip((*self._keys, *self._values), (*other._keys, *other._values), strict=True)]
        pairs += [(queries, other._queries[layer]) for layer, queries in self._queries.items()]
        for own, theirs in pairs:
            own.narrow(2, 0, other._length).copy_(theirs.narrow(2, 0, other._length))
        self._length = other._length

    def reset(self) -> None:
        """Forgets all positions."""
        self._length = 0


def claim(caches: Sequence[KVCache]) -> list[int]:
    """One more position in each cache, whose keys and values whoever asks must write to all layers; gives its place.

    Raises:
        ValueError: one of them is full; nothing has changed then.
    """
    for cache in caches:
        if cache._length == cache.capacity:
            raise ValueError(f"1 position after {cache._length} doesn't fit a cache of {cache.capacity}")
    places = [cache._length for cache in caches]
    for cache in caches:
        cache._length += 1
    return places
