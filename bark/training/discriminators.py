"""Critics that tell a codec's audio from real audio, by spectra and by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

SLOPE = 0.1  # of the leaky ReLUs


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Which critics there are, and how wide.

    Attributes:
        ffts: sizes of the spectral critics, each with a quarter as hop.
        spectral_width: channels of each of them.
        periods: of the period critics; none of them where empty.
        period_width: channels of their first layer; later ones have up to 8 times as many.
    """

    ffts: tuple[int, ...] = (2048, 1024, 512)
    spectral_width: int = 16
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    period_width: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "ffts", tuple(self.ffts))
        object.__setattr__(self, "periods", tuple(self.periods))


class Discriminators(nn.Module):
    """All critics; each gives its judgement and what its layers saw on the way."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.critics = nn.ModuleList(
            [
                *(SpectralCritic(size, config.spectral_width) for size in config.ffts),
                *(PeriodCritic(period, config.period_width) for period in config.periods),
            ]
        )

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        """Audio [B, N] → for each critic its layers' outputs, the judgement last."""
        return [critic(audio) for critic in self.critics]


class _Critic(nn.Module):
    """A stack of 2-D convolutions."""

    layers: nn.ModuleList
    last: nn.Module

    def judge(self, x: Tensor) -> list[Tensor]:
        """[B, C, H, W] → outputs of all layers."""
        outputs = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            outputs.append(x)
        return [*outputs, self.last(x)]


class SpectralCritic(_Critic):
    """Looks at the complex spectrum (multi-scale STFT discriminator, Défossez et al. 2022, without dilation)."""

    window: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size, self.hop = size, size // 4
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.layers = nn.ModuleList(
            [
                _conv(2, width, (3, 9), (1, 1)),
                _conv(width, width, (3, 9), (1, 2)),
                _conv(width, width, (3, 9), (1, 2)),
                _conv(width, 2 * width, (3, 9), (1, 2)),
                _conv(2 * width, 2 * width, (3, 3), (1, 1)),
            ]
        )
        self.last = _conv(2 * width, 1, (3, 3), (1, 1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Audio [B, N] → outputs of all layers."""
        with torch.autocast(audio.device.type, enabled=False):
            frames = F.pad(audio.float(), (self.size // 2, self.size // 2)).unfold(-1, self.size, self.hop)
            spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window, norm="ortho"))
        return self.judge(spectrum.permute(0, 3, 1, 2))


class PeriodCritic(_Critic):
    """Looks at every p-th sample, side by side (multi-period discriminator of HiFi-GAN, Kong et al. 2020)."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.ModuleList(
            [
                *(_conv(a, b, (5, 1), (3, 1)) for a, b in pairwise(widths)),
                _conv(8 * width, 8 * width, (5, 1), (1, 1)),
            ]
        )
        self.last = _conv(8 * width, 1, (3, 1), (1, 1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Audio [B, N] → outputs of all layers."""
        audio = F.pad(audio, (0, -audio.shape[1] % self.period))
        return self.judge(audio.view(len(audio), 1, -1, self.period))


class CompressedCritics(nn.Module):
    """A `CompressedCritic` for each FFT size."""

    def __init__(self, ffts: Sequence[int], width: int) -> None:
        super().__init__()
        self.critics = nn.ModuleList(CompressedCritic(size, width) for size in ffts)

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        """Audio [B, N] → for each critic its layers' outputs, the judgement last."""
        return [critic(audio) for critic in self.critics]


class CompressedCritic(_Critic):
    """Looks at the complex spectrum, its magnitudes raised to the power 0.3, and at their log.

    So it sees what is soft as well as what is loud. Strides along the frequencies make it cheap.
    """

    window: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        middle, wide = 3 * width // 2, 2 * width
        self.layers = nn.ModuleList(
            [
                _conv(3, width, (3, 9), (1, 4)),
                _conv(width, middle, (3, 5), (1, 2)),
                _conv(middle, wide, (3, 5), (2, 2)),
                _conv(wide, wide, (3, 3), (1, 1)),
            ]
        )
        self.last = _conv(wide, 1, (3, 3), (1, 1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """Audio [B, N] → outputs of all layers."""
        with torch.autocast(audio.device.type, enabled=False):
            frames = F.pad(audio.float(), (self.size // 2, self.size // 2)).unfold(-1, self.size, self.size // 4)
            spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window, norm="ortho"))
            magnitude = spectrum.square().sum(-1, keepdim=True).add(1e-7).sqrt()
            seen = torch.cat([spectrum * magnitude**-0.7, 0.25 * (magnitude.log() + 3)], -1)
        return self.judge(seen.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last))


def least_squares_critic_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Least-squares loss of the critics (Mao et al. 2017): real is 1, fake is 0."""
    losses = [
        (r[-1].float() - 1).square().mean() + f[-1].float().square().mean() for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean()


def least_squares_loss(fake: list[list[Tensor]]) -> Tensor:
    """Least-squares loss of the one who is judged."""
    return torch.stack([(f[-1].float() - 1).square().mean() for f in fake]).mean()


def critic_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Hinge loss of the critics: real above 1, fake below −1."""
    losses = [F.relu(1 - r[-1]).mean() + F.relu(1 + f[-1]).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(losses).mean()


def adversarial_loss(fake: list[list[Tensor]]) -> Tensor:
    """Hinge loss of the one who is judged."""
    return torch.stack([F.relu(1 - f[-1]).mean() for f in fake]).mean()


def feature_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """L1 between what the layers saw of real and of fake, relative to the real (Défossez et al. 2022)."""
    losses = []
    for r, f in zip(real, fake, strict=True):
        for a, b in zip(r[:-1], f[:-1], strict=True):
            losses.append((a.detach() - b).abs().mean() / a.detach().abs().mean().clamp(min=1e-3))
    return torch.stack(losses).mean()


def _conv(c_in: int, c_out: int, kernel: tuple[int, int], stride: tuple[int, int]) -> nn.Module:
    padding = (kernel[0] // 2, kernel[1] // 2)
    conv: nn.Module = weight_norm(nn.Conv2d(c_in, c_out, kernel, stride, padding))
    return conv
