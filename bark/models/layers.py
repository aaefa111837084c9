"""The pieces that the causal and the non-causal model share: GPT-2 blocks with pre-LayerNorm."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.models.cpu import has_matrix_units

FUSED = 320  # positions from which on, with AMX, the fused kernel trains faster than plain products
ATTENTION_BLOCK = 192  # queries; of 64, 128, 192 and 256 the fastest or next to it on one Zen 5 core and on two


class AttentionCache(Protocol):
    """Keys and values of the positions read so far."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Takes keys and values [B, H, T, D] of new positions; gives what queries gather from all positions.

        Queries may be fewer than new positions; then they are of the last ones.
        """


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

    def forward(
        self, x: Tensor, layer: int = 0, cache: AttentionCache | None = None, tail: int | None = None
    ) -> Tensor:
        """What positions gather from those that they see, [B, T, C].

        Args:
            x: [B, T, C]; with a cache, the positions after the cached ones.
            layer: of the cache.
            cache: keys and values of the positions before.
            tail: how many of the last positions are wanted, [B, tail, C]; None for all.
        """
        query, key, value = self._heads(x)
        if tail is not None and tail < x.shape[1]:
            query = query[:, :, -tail:]
        if cache is None:
            gathered = attend(query, key, value, self.causal)
        else:
            gathered = cache.attend(layer, query, key, value, self.causal)
        y = self.c_proj(gathered.transpose(1, 2).flatten(2))
        assert isinstance(y, Tensor)
        return y

    def weights(self, x: Tensor, head: int) -> Tensor:
        """Attention weights [B, T, T] of one head for an input [B, T, C], for alignment losses and word times."""
        query, key, _ = self._heads(x)
        return attention_weights(query[:, head], key[:, head], self.causal)

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, [B, H, T, D] each."""
        batch, length, width = x.shape
        shape = (batch, length, 3, self.n_head, width // self.n_head)
        query, key, value = self.c_attn(x).view(shape).permute(2, 0, 3, 1, 4).unbind()
        return query, key, value


def attend(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Attention of queries [B, H, T, D], the last T of the S positions of keys and values [B, H, S, D]."""
    new, seen = query.shape[2], key.shape[2]
    if new == 1 and not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(query.to(key.dtype), key, value)
    causal = causal and new > 1
    on_cpu = query.device.type == "cpu"
    narrow = query.dtype == key.dtype == torch.bfloat16
    if on_cpu and torch.is_grad_enabled() and not (narrow and has_matrix_units() and seen >= FUSED):
        return _trainable_attention(query, key, value, causal)
    if on_cpu and narrow and new > 1 and not has_matrix_units():
        return _blocked_attention(query, key, value, causal)
    mask = None
    if causal and seen > new:  # is_causal aligns query 0 with key 0, but query 0 comes after the cached keys
        mask = torch.ones(new, seen, dtype=torch.bool, device=query.device).tril(seen - new)
        causal = False
    return F.scaled_dot_product_attention(query.to(key.dtype), key, value, attn_mask=mask, is_causal=causal)


def attention_weights(query: Tensor, key: Tensor, causal: bool) -> Tensor:
    """Weights [..., T, S], in float32, of queries [..., T, D], the last T of the S positions of keys [..., S, D]."""
    query, key = query.float(), key.float()
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    weights: Tensor = (_without_future(scores) if causal else scores).softmax(-1)
    return weights


def _trainable_attention(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Attention by plain products.

    On CPUs the fused kernel's backward pass takes 2 to 3 times as long as this in bf16, at a few hundred positions.
    With AMX the two take as long at 350, and at 576 the fused one takes three quarters of the time.
    """
    scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    if causal:
        scores = _without_future(scores)
    y: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return y


def _blocked_attention(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Attention by plain products, some queries at a time, each block with the keys that it sees.

    On CPUs without AMX the fused kernel multiplies bf16 no faster than float32, and computes the future too: at 513
    and 887 positions it takes twice as long as this. With AMX it takes half as long.
    """
    new, before = query.shape[2], key.shape[2] - query.shape[2]
    query, key, value = query * query.shape[-1] ** -0.5, key.contiguous(), value.contiguous()
    blocks = []
    for start in range(0, new, ATTENTION_BLOCK):
        stop = min(start + ATTENTION_BLOCK, new)
        seen = before + stop if causal else before + new
        scores = query[:, :, start:stop] @ key[:, :, :seen].transpose(2, 3)
        if causal:
            scores = _without_future(scores)
        blocks.append(scores.softmax(-1) @ value[:, :, :seen])
    return torch.cat(blocks, dim=2)


def _without_future(scores: Tensor) -> Tensor:
    """Scores [..., T, S] of the last T of S positions, −inf for the positions after each."""
    new, seen = scores.shape[-2:]
    return scores + scores.new_full((new, seen), float("-inf")).triu(seen - new + 1)


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

    def forward(
        self, x: Tensor, layer: int = 0, cache: AttentionCache | None = None, tail: int | None = None
    ) -> Tensor:
        """x [B, T, C] → [B, T, C], or the last `tail` positions of it."""
        gathered = self.attn(normalized(x, self.ln_1), layer, cache, tail)
        x = (x if tail is None or tail >= x.shape[1] else x[:, -tail:]) + gathered
        x = x + self.mlp(normalized(x, self.ln_2))
        return x


def normalized(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """What the norm makes of x [..., C]; calling the module takes Python longer than the work itself does."""
    return torch.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


class Head(nn.Linear):
    """Logits of a vocabulary, in whatever dtype its weight is kept."""

    def forward(self, hidden: Tensor, rows: slice = slice(None)) -> Tensor:
        """hidden [..., C] → [..., rows]."""
        weight = self.weight[rows]
        return F.linear(hidden.to(weight.dtype), weight)


def init_weights(model: nn.Module, n_layer: int) -> None:
    """GPT-2's initialisation: normal(0.02), residual projections scaled by 1/√(2 n_layer)."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        scale = (2 * n_layer) ** -0.5 if name.endswith("c_proj.weight") else 1.0
        nn.init.normal_(parameter, std=0.02 * scale)
