"""Muon, in the numbers that the device at hand multiplies well."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bark.models.cpu import product_dtype

COEFFICIENTS = (
    3.4445,
    -4.7750,
    2.0315,
)  # of the quintic iteration (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon)
ITERATIONS = 5
TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024), with decoupled decay.

    Updates are scaled to the size of AdamW's, by 0.2 √max(rows, columns) (Liu et al. 2025, "Muon is scalable for LLM
    training"). `torch.optim.Muon` does the same, but always in bfloat16, which a CPU without instructions for it takes
    ten times as long over as over float32. States are the same as its.

    Args:
        parameters: matrices.
        lr: step size.
        momentum: decay of the running mean of gradients; Nesterov's.
        weight_decay: share of the rate by which weights shrink.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Applies the gradients; a parameter without one stays."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._apply(parameter, group)

    def _apply(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        gradient, momentum, state = parameter.grad, group["momentum"], self.state[parameter]
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        update = orthogonalized(gradient.lerp(mean, momentum))
        scale = 0.2 * math.sqrt(max(parameter.shape))
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonalized(matrix: Tensor) -> Tensor:
    """A matrix [M, N] with its singular values brought near 1, by Newton and Schulz: between 0.5 and 1.5, roughly."""
    dtype = torch.bfloat16 if matrix.is_cuda else product_dtype()
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(dtype)
    x = x / x.norm().clamp(min=TINY)  # so that no singular value is above 1
    wide = x.shape[1] >= 2 * x.shape[0]
    x = _by_gram(x) if wide and dtype is torch.float32 else _newton_schulz(x)
    return (x.T if tall else x).to(matrix.dtype)


def _newton_schulz(x: Tensor) -> Tensor:
    """X ← (a + b XXᵀ + c (XXᵀ)²) X, again and again."""
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _by_gram(x: Tensor) -> Tensor:
    """Its factors gathered in the square of XXᵀ: three fifths of the time at 1 × 4, too coarse for bfloat16."""
    a, b, c = COEFFICIENTS
    gram, product = x @ x.T, None
    for iteration in range(ITERATIONS):
        factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal().add_(a)
        product = factor if product is None else factor @ product
        if iteration + 1 < ITERATIONS:
            gram = factor @ gram @ factor  # all are polynomials of one matrix, so their order is free
    assert product is not None
    return product @ x
