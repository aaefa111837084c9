"""The pieces that the causal and the non-causal model share: GPT-2 blocks with pre-LayerNorm."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AttentionCache(Protocol):
    """Keys and values of the positions read so far."""

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Takes keys and values [B, H, T, D] of new positions, gives those of all positions [B, H, S, D]."""


class SelfAttention(nn.Module):
    """Multi-head attention with fused query, key and value.

    Args:
        causal: whether a position sees only itself and those before it.
    """

    def __init__(self, n_embd: int, n_head: int, bias: bool, causal: bool) -> None:
        super().__init__()
        if n_embd % n_head:
            raise ValueError(f"n_embd {n_embd} is not a multiple of n_head {n_head}")
        self.n_head = n_head
        self.causal = causal
        self.c_attn = nn.Linear(n_embd, 3 * n_embd, bias=bias)
        self.c_proj = nn.Linear(n_embd, n_embd, bias=bias)

    def forward(self, x: Tensor, layer: int = 0, cache: AttentionCache | None = None) -> Tensor:
        """x [B, T, C] → [B, T, C]; with a cache, x are the positions after the cached ones."""
        query, key, value = self._heads(x)
        if cache is not None:
            key, value = cache.append(layer, key, value)
        new, seen = query.shape[2], key.shape[2]
        mask, causal = None, self.causal and new > 1
        if causal and seen > new:  # is_causal aligns query 0 with key 0, but query 0 comes after the cached keys
            mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new)
            causal = False
        if mask is None and x.device.type == "cpu" and torch.is_grad_enabled():
            y = _trainable_attention(query, key, value, causal)
        else:
            y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        y = self.c_proj(y.transpose(1, 2).flatten(2))
        assert isinstance(y, Tensor)
        return y

    def weights(self, x: Tensor, head: int) -> Tensor:
        """Attention weights [B, T, T] of one head for an input [B, T, C], for alignment losses and word times."""
        query, key, _ = self._heads(x)
        query, key = query[:, head].float(), key[:, head].float()
        scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        if self.causal:
            length = x.shape[1]
            future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(future, float("-inf"))
        weights: Tensor = scores.softmax(-1)
        return weights

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, width = x.shape
        query, key, value = self.c_attn(x).split(width, dim=2)
        shape = (batch, length, self.n_head, width // self.n_head)
        return (
            query.view(shape).transpose(1, 2),
            key.view(shape).transpose(1, 2),
            value.view(shape).transpose(1, 2),
        )


def _trainable_attention(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Attention [B, H, T, D] by plain products.

    On CPUs the fused kernel's backward pass takes 2 to 3 times as long as this in bf16, at a few hundred positions.
    """
    scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    if causal:
        length = scores.shape[-1]
        scores = scores + scores.new_full((length, length), float("-inf")).triu(1)
    y: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return y


class MLP(nn.Module):
    """Four times the width, exact (erf) GELU."""

    def __init__(self, n_embd: int, bias: bool) -> None:
        super().__init__()
        self.c_fc = nn.Linear(n_embd, 4 * n_embd, bias=bias)
        self.c_proj = nn.Linear(4 * n_embd, n_embd, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, C] → [B, T, C]."""
        y = self.c_proj(F.gelu(self.c_fc(x)))
        assert isinstance(y, Tensor)
        return y


class Block(nn.Module):
    """Attention and MLP, each behind a LayerNorm and added to its input."""

    def __init__(self, n_embd: int, n_head: int, bias: bool, norm_bias: bool, causal: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(n_embd, bias=norm_bias)
        self.attn = SelfAttention(n_embd, n_head, bias, causal)
        self.ln_2 = nn.LayerNorm(n_embd, bias=norm_bias)
        self.mlp = MLP(n_embd, bias)

    def forward(self, x: Tensor, layer: int = 0, cache: AttentionCache | None = None) -> Tensor:
        """x [B, T, C] → [B, T, C]."""
        x = x + self.attn(self.ln_1(x), layer, cache)
        x = x + self.mlp(self.ln_2(x))
        return x


def init_weights(model: nn.Module, n_layer: int) -> None:
    """GPT-2's initialisation: normal(0.02), residual projections scaled by 1/√(2 n_layer)."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        scale = (2 * n_layer) ** -0.5 if name.endswith("c_proj.weight") else 1.0
        nn.init.normal_(parameter, std=0.02 * scale)
