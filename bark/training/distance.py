"""How far audio is from audio, as the codec's trainers measure it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.codec.spectrum import LogMel


class MelDistance(nn.Module):
    """Log-mel spectra at several resolutions, side by side.

    Args:
        scales: FFT sizes, each with a quarter as hop.
        n_mels: at the largest scale; smaller ones have proportionally fewer, at least 20.
    """

    def __init__(self, sample_rate: int, scales: tuple[int, ...], n_mels: int) -> None:
        super().__init__()
        self.mels = nn.ModuleList(LogMel(sample_rate, n, n // 4, max(20, n_mels * n // max(scales))) for n in scales)

    def forward(self, audio: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both [B, N] → mean L1 of the logs, and the relative L2 of the magnitudes (spectral convergence)."""
        log, relative = [], []
        for mel in self.mels:
            a, b = mel(audio), mel(target)
            log.append(F.l1_loss(a, b))
            a, b = a.exp(), b.exp()
            relative.append((a - b).norm() / b.norm().clamp(min=1e-3))
        return torch.stack(log).mean(), torch.stack(relative).mean()
