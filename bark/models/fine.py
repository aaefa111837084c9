"""The non-causal model of the fine stage."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bark.models.config import FineGPTConfig
from bark.models.layers import Block, Head, init_weights


class FineGPT(nn.Module):
    """Predicts codebook k of every frame of a window from the codebooks 0 … k − 1 (and a placeholder in k).

    Each codebook has an embedding; the head of codebook k shares the weight of codebook k's next embedding,
    as Bark ties them: head i (of codebook i + n_given) is embedding i + 1.
    """

    def __init__(self, config: FineGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.wtes = nn.ModuleList(nn.Embedding(config.vocab, config.n_embd) for _ in range(config.n_codebooks))
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.h = nn.ModuleList(
            Block(config.n_embd, config.n_head, config.bias, True, causal=False) for _ in range(config.n_layer)
        )
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.lm_heads = nn.ModuleList(
            Head(config.n_embd, config.vocab, bias=False) for _ in range(config.n_given, config.n_codebooks)
        )
        for i, head in enumerate(self.lm_heads):
            self.wtes[i + 1].weight = head.weight

    def reset_parameters(self) -> None:
        """Fresh weights for training."""
        init_weights(self, self.config.n_layer)

    def forward(self, codebook: int, codes: Tensor, rows: slice = slice(None), tail: int | None = None) -> Tensor:
        """Logits of one codebook.

        Args:
            codebook: which one to predict, n_given … n_codebooks − 1.
            codes: [B, T, n_codebooks]; of these, codebooks 0 … `codebook` are read.
            rows: of the head, those wanted.
            tail: how many of the last frames are wanted; None for all.

        Returns:
            [B, T, rows] or [B, tail, rows].
        """
        x = self.wtes[0](codes[:, :, 0])
        for k in range(1, codebook + 1):
            x = x + self.wtes[k](codes[:, :, k])
        x = x + self.wpe(torch.arange(codes.shape[1], device=codes.device))
        for layer, block in enumerate(self.h):
            x = block(x, tail=tail if layer == len(self.h) - 1 else None)
        logits = self.lm_heads[codebook - self.config.n_given](self.ln_f(x), rows)
        assert isinstance(logits, Tensor)
        return logits

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.wpe.weight.device
