"""Audio to semantic tokens: what is said and how, with little of who says it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bark.codec.layers import Conv, ConvNeXtBlock, Downsample
from bark.codec.spectrum import LogMel
from bark.errors import AudioError


@dataclass(frozen=True)
class SemanticTokenizerConfig:
    """Shape of the tokenizer.

    Attributes:
        rate: tokens a second; sample_rate / rate must be a multiple of 4.
        levels: of each dimension of the quantiser; their product is the number of tokens.
        blocks: ConvNeXt blocks at twice the rate, and at the rate.
    """

    sample_rate: int = 24_000
    rate: int = 25
    n_mels: int = 80
    n_fft: int = 1024
    width: int = 256
    blocks: tuple[int, int] = (3, 4)
    levels: tuple[int, ...] = (4, 4, 4, 4, 4)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", tuple(self.blocks))
        object.__setattr__(self, "levels", tuple(self.levels))

    @property
    def hop(self) -> int:
        """Samples of a token."""
        return self.sample_rate // self.rate

    @property
    def vocab(self) -> int:
        """Number of tokens."""
        return math.prod(self.levels)


class SemanticTokenizer(nn.Module):
    """log-mel → ConvNeXt → finite scalar quantisation."""

    def __init__(self, config: SemanticTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.mel = LogMel(config.sample_rate, config.n_fft, config.hop // 4, config.n_mels)
        self.encoder = nn.Sequential(
            Conv(config.n_mels, width, kernel=7, lookahead=3),
            nn.LayerNorm(width),
            Downsample(width, width, 2),
            *(ConvNeXtBlock(width) for _ in range(config.blocks[0])),
            Downsample(width, width, 2),
            *(ConvNeXtBlock(width) for _ in range(config.blocks[1])),
            nn.LayerNorm(width),
            nn.Linear(width, len(config.levels)),
        )
        self.quantizer = FiniteScalarQuantizer(config.levels)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, N] in [−1, 1] → tokens [B, ceil(N / hop)].

        Raises:
            AudioError: the audio is not [B, N].
        """
        if audio.dim() != 2:
            raise AudioError(f"audio must be [batch, samples], not {list(audio.shape)}")
        if not audio.shape[1]:
            return torch.zeros(len(audio), 0, dtype=torch.long, device=audio.device)
        return self.quantizer.encode(self.encoder(self.mel(audio)).float())


class FiniteScalarQuantizer(nn.Module):
    """Rounds each dimension to one of a few levels (FSQ, Mentzer et al. 2023): no codebook, nothing to collapse."""

    levels: Tensor
    strides: Tensor

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        strides = [math.prod(levels[:i]) for i in range(len(levels))]
        self.register_buffer("strides", torch.tensor(strides), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Unbounded [..., D] → quantised values in [−1, 1], with the gradient of the bounded ones."""
        bounded = self._bounded(x)
        scale = (self.levels - 1) / 2
        return (bounded + (bounded.round() - bounded).detach()) / scale - 1

    def encode(self, x: Tensor) -> Tensor:
        """Unbounded [..., D] → tokens [...]."""
        return (self._bounded(x).round().long() * self.strides).sum(-1)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens [...] → quantised values in [−1, 1], [..., D]."""
        digits = tokens[..., None] // self.strides % self.levels
        return digits / ((self.levels - 1) / 2) - 1

    def _bounded(self, x: Tensor) -> Tensor:
        """[..., D] within 0 … level − 1 of each dimension."""
        return (torch.tanh(x) + 1) * (self.levels - 1) / 2
