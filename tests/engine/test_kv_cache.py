"""The cache holds what was appended, in order, and says so when it is full."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bark.engine import KVCache
from bark.engine.prefix import common_prefix
from bark.models.config import GPTConfig

CONFIG = GPTConfig(n_layer=2, n_head=3, n_embd=12, block_size=10, input_vocab=5, output_vocab=5)


def cache(capacity: int = 8, batch: int = 2) -> KVCache:
    return KVCache(CONFIG, capacity, device=torch.device("cpu"), dtype=torch.float32, batch=batch)


def some(length: int, seed: int = 0) -> Tensor:
    return torch.rand(2, 3, length, 4, generator=torch.Generator().manual_seed(seed))


def test_gives_back_all_positions() -> None:
    full = cache()
    first, second = some(3, 1), some(2, 2)
    for layer in range(2):
        full.append(layer, first + layer, -first)
    assert full.length == 3
    for layer in range(2):
        key, value = full.append(layer, second + layer, -second)
        assert key.equal(torch.cat([first, second], dim=2) + layer)
        assert value.equal(-torch.cat([first, second], dim=2))
    assert full.length == 5


def test_layers_of_one_pass_write_to_the_same_place() -> None:
    half = cache()
    half.append(0, some(3), some(3))
    assert half.length == 0
    half.append(1, some(3), some(3))
    assert half.length == 3


def test_truncated_positions_are_written_anew() -> None:
    cut = cache()
    for layer in range(2):
        cut.append(layer, some(5, 1), some(5, 1))
    cut.truncate(2)
    key, _ = cut.append(0, some(1, 2), some(1, 2))
    assert key.equal(torch.cat([some(5, 1)[:, :, :2], some(1, 2)], dim=2))
    cut.reset()
    assert cut.length == 0


def test_says_when_it_is_full() -> None:
    full = cache(4)
    with pytest.raises(ValueError, match="5 positions after 0 don't fit a cache of 4"):
        full.append(0, some(5), some(5))
    assert full.length == 0


@pytest.mark.parametrize("capacity", [0, -1, 11])
def test_is_no_larger_than_the_model_reads(capacity: int) -> None:
    with pytest.raises(ValueError, match=r"the model reads 1 … 10"):
        cache(capacity)


@pytest.mark.parametrize("length", [-1, 1])
def test_cannot_be_cut_longer(length: int) -> None:
    with pytest.raises(ValueError, match="can't cut"):
        cache().truncate(length)


def test_takes_the_dtype_of_the_model() -> None:
    half = KVCache(CONFIG, 4, device=torch.device("cpu"), dtype=torch.bfloat16)
    key, value = half.append(0, torch.ones(1, 3, 2, 4), torch.ones(1, 3, 2, 4))
    assert key.dtype == value.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("a", "b", "length"), [([], [], 0), ([1], [], 0), ([1, 2], [1, 2, 3], 2), ([1, 2, 3], [1, 4, 3], 1), ([5], [6], 0)]
)
def test_common_prefix(a: list[int], b: list[int], length: int) -> None:
    assert common_prefix(a, b) == length


def test_has_read_what_another_has() -> None:
    first, second = cache(), cache(capacity=4)
    second.append(0, some(4, 5), some(4, 6))  # something else that goes
    for layer in range(2):
        first.append(layer, some(3, layer), -some(3, layer))
    second.take_from(first)
    assert second.length == 3
    first.reset()
    for layer in range(2):
        first.append(layer, some(1, 7), some(1, 7))
        key, value = second.append(layer, some(1, 8), some(1, 9))
        assert key.equal(torch.cat([some(3, layer), some(1, 8)], dim=2))
        assert value.equal(torch.cat([-some(3, layer), some(1, 9)], dim=2))


def test_can_not_take_what_there_is_no_room_for() -> None:
    full, small = cache(), cache(capacity=2)
    for layer in range(2):
        full.append(layer, some(3), some(3))
    with pytest.raises(ValueError, match="3 positions don't fit a cache of 2"):
        small.take_from(full)
