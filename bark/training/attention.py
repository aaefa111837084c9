"""Heads that are told where to look: alignment of what is written with what is read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bark.models.gpt import GPT
from bark.models.layers import Block


def run_trunk(
    model: GPT, embedded: Tensor, positions: Tensor, heads: Sequence[tuple[int, ...]]
) -> tuple[Tensor, list[Tensor]]:
    """`GPT.forward` [B, T, C], with the attention weights [B, T, T] of some (layer, head) pairs, in their order.

    The pairs must be in the model; see `present`.

    Hooks would do it without the repetition, but what is compiled would be compiled anew at every step.
    """
    x = embedded + model.wpe(positions)
    weights: dict[tuple[int, ...], Tensor] = {}
    for layer, block in enumerate(model.h):
        assert isinstance(block, Block)
        for place, head, *_ in heads:
            if place == layer:
                weights[place, head] = block.attn.weights(block.ln_1(x), head)
        x = block(x, layer)
    return model.ln_f(x), [weights[h[:2]] for h in heads]


def present(model: GPT, heads: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Of some (layer, head, …), those that the model has: a small one goes without the others."""
    return [h for h in heads if h[0] < model.config.n_layer and h[1] < model.config.n_head]


def alignment_loss(weights: Tensor, column: Tensor, reach: int) -> Tensor:
    """How little attention goes where it should.

    Args:
        weights: of one head, [B, T, T].
        column: that each row should look at, −1 where nobody knows, [B, T].
        reach: how far beside it is as good.

    Returns:
        Mean of −log of the attention within reach, 0 where nothing is known.
    """
    near = column[..., None] + torch.arange(-reach, reach + 1, device=weights.device)
    there = (near >= 0) & (near < weights.shape[-1])
    mass = (weights.gather(-1, near.clamp(0, weights.shape[-1] - 1)) * there).sum(-1)
    known = (column >= 0) & (column < weights.shape[-1])
    return ((-mass.clamp(min=1e-4).log()) * known).sum() / known.sum().clamp(min=1)


def mean_loss(losses: Sequence[Tensor]) -> Tensor:
    """Mean of some losses; 0 of none."""
    return torch.stack(list(losses)).mean() if losses else torch.zeros(())


def sinusoids(places: Tensor, width: int) -> Tensor:
    """Places [T] as sines and cosines of geometric wavelengths [T, width] (Vaswani et al. 2017)."""
    wavelengths = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(10_000.0)) / width))
    angles = places[:, None] * wavelengths
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
