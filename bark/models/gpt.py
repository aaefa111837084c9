"""The causal model of the semantic and coarse stages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.models.config import GPTConfig
from bark.models.layers import AttentionCache, Block, Head, init_weights, normalized


class GPT(nn.Module):
    """GPT-2 with learned positions; embedding, trunk and head are called apart.

    Apart, because the semantic stage sums embeddings before the trunk, and every stage asks the head only
    for the rows that it can sample.

    Attributes:
        graphs: whether whoever writes with it on a CUDA GPU may record what it does there, and replay that.
        cache_dtype: of the keys and values that are kept of it; None for `dtype`.
        token_step: what reads one more token faster than `forward` does, where there is such a thing; see
            `bark.engine.token_step`.
    """

    graphs = True
    cache_dtype: torch.dtype | None = None
    token_step: Any = None

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.input_vocab, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.h = nn.ModuleList(
            Block(config.n_embd, config.n_head, config.bias, config.bias, causal=True) for _ in range(config.n_layer)
        )
        self.ln_f = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.lm_head = Head(config.n_embd, config.output_vocab, bias=False)

    def reset_parameters(self) -> None:
        """Fresh weights for training."""
        init_weights(self, self.config.n_layer)

    def forward(
        self, embedded: Tensor, positions: Tensor, cache: AttentionCache | None = None, tail: int | None = None
    ) -> Tensor:
        """Runs the trunk.

        Args:
            embedded: sum of token embeddings, [B, T, C].
            positions: of the T inputs, [T] or [B, T]; with a cache they come after the cached ones.
            cache: keys and values of what came before, extended in place.
            tail: how many of the last positions are wanted; None for all.

        Returns:
            What the head reads, [B, T, C] or [B, tail, C].
        """
        x = embedded + F.embedding(positions, self.wpe.weight)
        last = len(self.h) - 1
        for layer, block in enumerate(self.h):  # of the last layer, nothing reads the positions that aren't wanted
            x = block(x, layer, cache, tail if layer == last else None)
        return normalized(x, self.ln_f)

    def logits(self, hidden: Tensor, rows: slice = slice(None)) -> Tensor:
        """Head for the given rows of the output vocabulary: [..., C] → [..., rows]."""
        logits = self.lm_head(hidden, rows)
        assert isinstance(logits, Tensor)
        return logits

    def embed(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] → [B, T, C], without positions."""
        return F.embedding(tokens, self.wte.weight).to(self.dtype)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.wte.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Of what the trunk computes with."""
        return self.wpe.weight.dtype
