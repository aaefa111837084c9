"""Weights as whole numbers of eight bits, with a scale for each row: on disk, and where a CPU multiplies by them."""

from __future__ import annotations

import torch
from torch import Tensor

from bark.mapped import let_go

AT_ONCE = 1 << 20  # numbers that are converted at a time


def quantized(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers −127 … 127 [out, in] and scales [out] in bfloat16, whose product is nearest to a weight.

    Of what `restored` gives of them, they are the same again, to the last bit.
    """
    numbers = torch.empty(weight.shape, dtype=torch.int8)
    scales = torch.empty(len(weight), dtype=torch.bfloat16)
    few = _rows_at_once(weight)
    for start in range(0, len(weight), few):
        rows = slice(start, start + few)
        some = weight[rows].to(torch.float32, copy=True)
        low, high = some.aminmax(dim=1)
        scales[rows] = (torch.maximum(-low, high) / 127).clamp(min=1e-30)
        # by the scale as it is kept, so that its rounding is no error of a whole row; that comes to 127.3 at most
        numbers[rows] = some.div_(scales[rows, None].float()).round_()
        let_go(weight[rows])
    return numbers, scales


def restored(numbers: Tensor, scales: Tensor) -> Tensor:
    """The weight [out, in] of whole numbers and scales, in float32: their product has more digits than 16 bits hold."""
    weight = torch.empty(numbers.shape, dtype=torch.float32)
    few = _rows_at_once(numbers)
    for start in range(0, len(numbers), few):
        rows = slice(start, start + few)
        torch.mul(numbers[rows], scales[rows, None].float(), out=weight[rows])
        let_go(numbers[rows])
    return weight


def _rows_at_once(weight: Tensor) -> int:
    return max(1, AT_ONCE // max(1, weight.shape[1]))
