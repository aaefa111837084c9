"""Weights in a byte each are near what they were, and stay what they are."""

from __future__ import annotations

import pytest
import torch

from bark.models import int8
from bark.models.int8 import quantized, restored


def test_is_the_nearest() -> None:
    weight = torch.randn(70, 48) * torch.logspace(-3, 3, 70)[:, None]
    numbers, scales = quantized(weight)
    error = (restored(numbers, scales) - weight).abs()
    assert (error <= scales.float()[:, None] * 0.51).all()


def test_zeros() -> None:
    weight = torch.zeros(3, 32)
    weight[1, 4] = 2.0
    assert torch.allclose(restored(*quantized(weight)), weight, rtol=0.01)


def test_of_16_bits() -> None:
    weight = torch.randn(5, 32)
    assert torch.equal(quantized(weight.half())[0], quantized(weight.half().float())[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("at_once", [1, 700, 1 << 20])
def test_what_was_stored_is_the_same_when_it_is_quantised_again(
    dtype: torch.dtype, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a CPU multiplies by exactly the numbers that a file holds."""
    torch.manual_seed(0)
    weight = torch.randn(3000, 64) * torch.logspace(-36, 3, 3000, dtype=torch.float64)[:, None]
    weight = weight.to(dtype)
    weight[7] = 0
    monkeypatch.setattr(int8, "AT_ONCE", at_once)
    numbers, scales = quantized(weight)
    again = quantized(restored(numbers, scales))
    assert torch.equal(again[0], numbers)
    assert torch.equal(again[1], scales)
