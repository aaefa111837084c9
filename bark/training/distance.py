"""How far audio is from audio, as the codec's trainers measure it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.codec.spectrum import LogMel

FLOOR = 1e-4  # of magnitudes whose log is taken
SILENCE = 0.3  # added to what the relative L2 is relative to


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


class SpectralDistance(nn.Module):
    """Linear spectra at several resolutions, down to single harmonics where the window holds some periods of the pitch.

    Args:
        scales: FFT sizes, each with a quarter as hop.
    """

    def __init__(self, scales: tuple[int, ...]) -> None:
        super().__init__()
        self._scales = scales
        for n in scales:
            self.register_buffer(f"window_{n}", torch.hann_window(n), persistent=False)

    def forward(self, audio: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both [B, N] → mean L1 of the logs, and the mean over the rows of the relative L2."""
        log, relative = [], []
        with torch.autocast(audio.device.type, enabled=False):
            for n in self._scales:
                a, b = self._magnitude(audio, n), self._magnitude(target, n)
                log.append(F.l1_loss((a + FLOOR).log(), (b + FLOOR).log()))
                relative.append(((a - b).norm(dim=(1, 2)) / (b.norm(dim=(1, 2)) + SILENCE)).mean())
        return torch.stack(log).mean(), torch.stack(relative).mean()

    def _magnitude(self, audio: Tensor, n: int) -> Tensor:
        frames = F.pad(audio.float(), (n // 2, n // 2)).unfold(-1, n, n // 4) * getattr(self, f"window_{n}")
        spectrum = torch.view_as_real(torch.fft.rfft(frames, norm="ortho"))
        return spectrum.square().sum(-1).add(1e-9).sqrt()
