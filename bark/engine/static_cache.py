"""Keys and values of many rows in tensors that never move, so that a step is the same work however long each row is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bark.models.config import GPTConfig
from bark.models.layers import AttentionCache, attend

ROOM = 64  # positions, of which there is room for a multiple: attention kernels want masks that are aligned


class StaticCache:
    """Room for `capacity` positions in each row, and for one more, where a row that has ended may go on writing.

    How long a row is, whoever reads it says.

    Args:
        config: shape of the model that fills it.
        capacity: positions; at most the model's block size.
        rows: how many.
    """

    def __init__(
        self, config: GPTConfig, capacity: int, rows: int, *, device: torch.device, dtype: torch.dtype
    ) -> None:
        if not 0 < capacity <= config.block_size:
            raise ValueError(f"a cache of {capacity} positions, but the model reads 1 … {config.block_size}")
        self.capacity = capacity
        self.room = -(-(capacity + 2) // ROOM) * ROOM
        shape = (config.n_layer, rows, config.n_head, self.room, config.n_embd // config.n_head)
        # zeros, since what is masked must still be finite
        self._keys = torch.zeros(shape, device=device, dtype=dtype)
        self._values = torch.zeros(shape, device=device, dtype=dtype)

    def reader(self, rows: list[int], length: int) -> AttentionCache:
        """For a pass in which some rows read further positions after `length`, equally many."""
        return _Reader(self._keys, self._values, rows, length)

    def step(self, lengths: Tensor, seen: int) -> AttentionCache:
        """For a pass in which the first rows read one position each.

        Args:
            lengths: of those rows [B], as far as they have been read.
            seen: a bound of the positions that any row whose result counts sees, at most `room`.
        """
        rows = len(lengths)
        return _Step(self._keys[:, :rows], self._values[:, :rows], lengths, seen)

    def move(self, row: int, to: int) -> None:
        """Has one row in another's place."""
        for tensor in (self._keys, self._values):
            tensor[:, to] = tensor[:, row]


class _Reader:
    """Rows that are read from the same position on."""

    def __init__(self, keys: Tensor, values: Tensor, rows: list[int], length: int) -> None:
        self._keys, self._values = keys, values
        self._rows: slice | Tensor = slice(rows[0], rows[0] + 1)
        if len(rows) > 1:
            self._rows = torch.tensor(rows, device=keys.device)
        self._length = length

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Attention of new positions to themselves and those read before, [B, H, T, D]."""
        start, end = self._length, self._length + key.shape[2]
        keys, values = self._keys[layer], self._values[layer]
        keys[self._rows, :, start:end] = key.to(keys.dtype)
        values[self._rows, :, start:end] = value.to(values.dtype)
        if start:
            key, value = keys[self._rows, :, :end], values[self._rows, :, :end]
        return attend(query, key, value, causal)


class _Step:
    """Rows that read one position each, after as many as each has."""

    def __init__(self, keys: Tensor, values: Tensor, lengths: Tensor, seen: int) -> None:
        _, rows, heads, _, width = keys.shape
        self._keys, self._values, self._seen = keys, values, seen
        self._place = lengths.view(rows, 1, 1, 1).expand(rows, heads, 1, width)
        hidden = torch.arange(seen, device=lengths.device) > lengths[:, None]
        # numbers rather than yes and no, which every layer would make numbers of
        self._mask = torch.zeros(hidden.shape, device=keys.device, dtype=keys.dtype)
        self._mask = self._mask.masked_fill(hidden, float("-inf")).view(rows, 1, 1, seen)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Attention of each row's new position to itself and those before it, [B, H, 1, D]."""
        keys = self._keys[layer].scatter_(2, self._place, key.to(self._keys.dtype))
        values = self._values[layer].scatter_(2, self._place, value.to(self._values.dtype))
        keys, values = keys[:, :, : self._seen], values[:, :, : self._seen]
        return F.scaled_dot_product_attention(query.to(keys.dtype), keys, values, attn_mask=self._mask)
