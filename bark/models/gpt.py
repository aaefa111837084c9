"""The causal model of the semantic and coarse stages."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.models.config import GPTConfig
from bark.models.layers import AttentionCache, Block, init_weights


class GPT(nn.Module):
    """GPT-2 with learned positions; embedding, trunk and head are called apart.

    Apart, because the semantic stage sums embeddings before the trunk, and every stage asks the head only
    for the rows that it can sample.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.input_vocab, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.h = nn.ModuleList(
            Block(config.n_embd, config.n_head, config.bias, config.bias, causal=True) for _ in range(config.n_layer)
        )
        self.ln_f = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.lm_head = nn.Linear(config.n_embd, config.output_vocab, bias=False)

    def reset_parameters(self) -> None:
        """Fresh weights for training."""
        init_weights(self, self.config.n_layer)

    def forward(self, embedded: Tensor, positions: Tensor, cache: AttentionCache | None = None) -> Tensor:
        """Runs the trunk.

        Args:
            embedded: sum of token embeddings, [B, T, C].
            positions: of the T inputs, [T] or [B, T]; with a cache they come after the cached ones.
            cache: keys and values of what came before, extended in place.

        Returns:
            What the head reads, [B, T, C].
        """
        x = embedded + self.wpe(positions)
        for layer, block in enumerate(self.h):
            x = block(x, layer, cache)
        x = self.ln_f(x)
        assert isinstance(x, Tensor)
        return x

    def logits(self, hidden: Tensor, rows: slice = slice(None)) -> Tensor:
        """Head for the given rows of the output vocabulary: [..., C] → [..., rows]."""
        return F.linear(hidden, self.lm_head.weight[rows])

    def embed(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] → [B, T, C], without positions."""
        return F.embedding(tokens, self.wte.weight)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.wte.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Of what the trunk computes with."""
        return self.wpe.weight.dtype
