"""EnCodec at 24 kHz: SEANet → residual VQ → SEANet, all of it causal.

Of "High Fidelity Neural Audio Compression" (Défossez et al. 2022), whose weights Suno's models speak through. Weight
norm is no matter of this file: it is folded into the weights where they are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.codec.causal import ELU, CausalConv, CausalUpsample, Chain, ResidualBlock, ResidualLSTM
from bark.errors import AudioError


@dataclass(frozen=True)
class EnCodecConfig:
    """Shape of the codec; the defaults are those of the published model at 24 kHz.

    Attributes:
        n_codebooks: that are kept, of the 32 that were trained; Bark speaks 8 of them, 6 kbit/s.
        dim: of the latent that is quantised, and of the codebooks' entries.
        n_filters: channels at the sample rate; each step down in rate has twice as many.
        ratios: of the rates, from the slowest on; their product is the samples of a frame.
        n_residual: residual blocks at each rate; each is dilated `dilation_base` times as much as the one before.
        kernel, last_kernel, residual_kernel: of the first and the last convolution, and of those in the blocks.
        compress: the blocks work on the channels divided by this.
    """

    sample_rate: int = 24_000
    n_codebooks: int = 8
    codebook_size: int = 1024
    dim: int = 128
    n_filters: int = 32
    ratios: tuple[int, ...] = (8, 5, 4, 2)
    n_residual: int = 1
    kernel: int = 7
    last_kernel: int = 7
    residual_kernel: int = 3
    dilation_base: int = 2
    compress: int = 2
    n_lstm: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", tuple(self.ratios))

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.ratios)


class EnCodec(nn.Module):
    """The codec of Suno's models; see `bark.codec.base.Codec` for the shapes."""

    def __init__(self, config: EnCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate = config.sample_rate
        self.frame_rate = config.sample_rate / config.hop
        self.n_codebooks = config.n_codebooks
        self.codebook_size = config.codebook_size
        self.encoder = nn.Sequential(*_encoder(config))
        self.quantizer = EuclideanRVQ(config.dim, config.n_codebooks, config.codebook_size)
        self.decoder = nn.Sequential(*_decoder(config))

    def encode(self, audio: Tensor, n_codebooks: int | None = None) -> Tensor:
        """Audio [B, N] in [−1, 1] → codes [B, K, ceil(N / hop)].

        Raises:
            AudioError: the audio is not [B, N], or the number of codebooks is not one the codec has.
        """
        if audio.dim() != 2:
            raise AudioError(f"audio must be [batch, samples], not {list(audio.shape)}")
        wanted = self.n_codebooks if n_codebooks is None else n_codebooks
        if not 1 <= wanted <= self.n_codebooks:
            raise AudioError(f"the codec has 1 to {self.n_codebooks} codebooks, not {wanted}")
        if not audio.shape[1]:
            return torch.zeros(audio.shape[0], wanted, 0, dtype=torch.long, device=audio.device)
        return self.quantizer.encode(self.encoder(audio[:, None]), wanted)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] → audio [B, T * hop].

        Raises:
            AudioError: the codes are not [B, K, T], or are of more codebooks than the codec has.
        """
        latent = self.quantizer.decode(self._checked(codes))
        if not codes.shape[2]:
            return latent.new_zeros(codes.shape[0], 0)
        audio: Tensor = self.decoder(latent)[:, 0]
        return audio

    def stream(self) -> EnCodecStream:
        """A decoder for one run of frames."""
        return EnCodecStream(self)

    def _checked(self, codes: Tensor) -> Tensor:
        if codes.dim() != 3 or not 1 <= codes.shape[1] <= self.n_codebooks:
            raise AudioError(
                f"codes must be [batch, 1 to {self.n_codebooks} codebooks, frames], not {list(codes.shape)}"
            )
        return codes


class EnCodecStream:
    """See `bark.codec.base.CodecStream`. The first frames wait for the seventh; every later one sounds at once."""

    def __init__(self, codec: EnCodec) -> None:
        self._codec = codec
        self._decoder = Chain(codec.decoder)
        self._batch = 1

    @torch.inference_mode()
    def push(self, codes: Tensor) -> Tensor:
        """Frames [B, K, T] → audio [B, N]."""
        self._batch = codes.shape[0]
        return self._audio(self._decoder.push(self._codec.quantizer.decode(self._codec._checked(codes))))

    @torch.inference_mode()
    def flush(self) -> Tensor:
        """The rest of the audio, [B, N]; there is some only if there were fewer than seven frames."""
        return self._audio(self._decoder.flush())

    def _audio(self, decoded: Tensor) -> Tensor:
        return decoded[:, 0] if decoded.shape[-1] else decoded.new_zeros(self._batch, 0)


class EuclideanRVQ(nn.Module):
    """Codebooks in a row, each naming the entry nearest to what the ones before left over."""

    entries: Tensor

    def __init__(self, dim: int, n_codebooks: int, size: int) -> None:
        super().__init__()
        self.register_buffer("entries", torch.randn(n_codebooks, size, dim))

    def encode(self, x: Tensor, n_codebooks: int) -> Tensor:
        """[B, C, T] → codes [B, K, T]."""
        x = x.transpose(1, 2)
        codes = []
        for entries in self.entries[:n_codebooks]:
            codes.append(nearest(x, entries))
            x = x - F.embedding(codes[-1], entries)
        return torch.stack(codes, 1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] → [B, C, T]."""
        total = F.embedding(codes[:, 0], self.entries[0])
        for k in range(1, codes.shape[1]):
            total = total + F.embedding(codes[:, k], self.entries[k])
        return total.transpose(1, 2)


def nearest(x: Tensor, entries: Tensor) -> Tensor:
    """For each of x [B, T, C] the index of the nearest of the entries [S, C]: [B, T].

    |x|² is the same for all of them, but with it the sum is rounded as the reference rounds it, and ties fall alike.
    """
    distance = x.square().sum(-1, keepdim=True) - 2 * x @ entries.T + entries.square().sum(-1)
    return distance.argmin(-1)


def _encoder(config: EnCodecConfig) -> Iterator[nn.Module]:
    channels = config.n_filters
    yield CausalConv(1, channels, config.kernel)
    for ratio in reversed(config.ratios):
        yield from _residual(config, channels)
        yield ELU()
        yield CausalConv(channels, 2 * channels, 2 * ratio, stride=ratio)
        channels *= 2
    yield ResidualLSTM(channels, config.n_lstm)
    yield ELU()
    yield CausalConv(channels, config.dim, config.last_kernel)


def _decoder(config: EnCodecConfig) -> Iterator[nn.Module]:
    channels = config.n_filters << len(config.ratios)
    yield CausalConv(config.dim, channels, config.kernel)
    yield ResidualLSTM(channels, config.n_lstm)
    for ratio in config.ratios:
        yield ELU()
        yield CausalUpsample(channels, channels // 2, ratio)
        channels //= 2
        yield from _residual(config, channels)
    yield ELU()
    yield CausalConv(channels, 1, config.last_kernel)


def _residual(config: EnCodecConfig, channels: int) -> Iterator[nn.Module]:
    for i in range(config.n_residual):
        yield ResidualBlock(channels, channels // config.compress, config.residual_kernel, config.dilation_base**i)
