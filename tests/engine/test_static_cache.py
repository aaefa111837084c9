"""Rows in tensors of one shape attend as each does with a cache of its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bark.engine import KVCache
from bark.engine.static_cache import StaticCache
from bark.models.config import GPTConfig

CONFIG = GPTConfig(n_layer=2, n_head=3, n_embd=12, block_size=80, input_vocab=5, output_vocab=5)
CPU, DOUBLE = torch.device("cpu"), torch.float64


def some(rows: int, length: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    query, key, value = torch.randn(3, rows, 3, length, 4, generator=generator, dtype=DOUBLE)
    return query, key, value


@pytest.mark.parametrize("seen", [30, 128])
def test_rows_of_any_length(seen: int) -> None:
    shared = StaticCache(CONFIG, 70, 4, device=CPU, dtype=DOUBLE)
    assert shared.room == 128
    caches = [KVCache(CONFIG, 70, device=CPU, dtype=DOUBLE) for _ in range(3)]
    lengths = [5, 20, 11]
    for row, (cache, length) in enumerate(zip(caches, lengths, strict=True)):
        for layer in range(2):
            said = shared.reader([row], 0).attend(layer, *some(1, length, row + layer), causal=True)
            torch.testing.assert_close(said, cache.attend(layer, *some(1, length, row + layer), causal=True))
    for step in range(3):
        now = shared.step(torch.tensor(lengths) + step, seen)
        for layer in range(2):
            new = some(3, 1, 100 * step + layer)
            said = now.attend(layer, *new, causal=True)
            alone = [
                cache.attend(layer, *(each[row : row + 1] for each in new), causal=True)
                for row, cache in enumerate(caches)
            ]
            torch.testing.assert_close(said, torch.cat(alone))


@pytest.mark.parametrize("keep", [0, 4])
def test_rows_that_are_read_together(keep: int) -> None:
    together, apart = (StaticCache(CONFIG, 30, 4, device=CPU, dtype=DOUBLE) for _ in range(2))
    for cache in (together, apart):
        for row in (0, 3):
            cache.reader([row], 0).attend(0, *some(1, 6, row), causal=True)
    new = some(2, 5, 9)
    said = together.reader([3, 0], keep).attend(0, *new, causal=True)
    for i, row in enumerate((3, 0)):
        alone = apart.reader([row], keep).attend(0, *(each[i : i + 1] for each in new), causal=True)
        torch.testing.assert_close(said[i : i + 1], alone)
    last = some(4, 1, 1)
    lengths = torch.tensor([keep + 5] * 4)
    torch.testing.assert_close(*(c.step(lengths, 32).attend(0, *last, causal=True) for c in (together, apart)))


def test_a_row_moves() -> None:
    cache = StaticCache(CONFIG, 30, 2, device=CPU, dtype=DOUBLE)
    cache.reader([1], 0).attend(1, *some(1, 6, 0), causal=True)
    cache.move(1, 0)
    new = some(1, 1, 1)
    said = cache.step(torch.tensor([6, 6]), 32).attend(1, *(each.expand(2, -1, -1, -1) for each in new), causal=True)
    torch.testing.assert_close(said[0], said[1])
