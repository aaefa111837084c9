"""Between audio and spectra: log-mel analysis and the inverse STFT, whole and streamed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DECIBEL = 20 / math.log(10)  # dB in a natural log of a magnitude


def mel_filters(n_mels: int, n_fft: int, sample_rate: int, f_min: float = 0.0) -> Tensor:
    """Triangular filters [n_fft // 2 + 1, n_mels] on the HTK mel scale, 2595 log10(1 + f / 700), up to Nyquist."""

    def mel(hz: float) -> float:
        return 2595.0 * math.log10(1.0 + hz / 700.0)

    edges = 700.0 * (10.0 ** (torch.linspace(mel(f_min), mel(sample_rate / 2), n_mels + 2) / 2595.0) - 1.0)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


class LogMel(nn.Module):
    """Natural log of mel magnitudes, floored at 1e-5.

    Frame t is centred on the middle of samples [t * hop, (t + 1) * hop), so N samples give ceil(N / hop) frames.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, sample_rate: int, n_fft: int, hop: int, n_mels: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filters(n_mels, n_fft, sample_rate), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Audio [B, N] → [B, ceil(N / hop), n_mels], always float32."""
        with torch.autocast(audio.device.type, enabled=False):
            audio = F.pad(audio.float(), (0, -audio.shape[-1] % self.hop))
            side = self.n_fft - self.hop
            audio = F.pad(audio, (side // 2, side - side // 2))
            frames = audio.unfold(-1, self.n_fft, self.hop) * self.window
            magnitude = torch.view_as_real(torch.fft.rfft(frames)).square().sum(-1).add(1e-12).sqrt()
            return (magnitude @ self.filters).clamp(min=1e-5).log()


class InverseSTFT(nn.Module):
    """Overlap-add of inverse FFTs: T frames give T * hop samples; the same framing as `LogMel`."""

    window: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        if n_fft % hop or n_fft // hop < 2 or (n_fft - hop) % 2:
            raise ValueError(f"n_fft {n_fft} must be a multiple of hop {hop}, at least twice, and n_fft − hop even")
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Complex spectrum [B, T, n_fft // 2 + 1] → audio [B, T * hop]."""
        summed = self.overlap_add(self.frames(spectrum))
        envelope = self.envelope(spectrum.shape[1])
        side = (self.n_fft - self.hop) // 2
        return (summed / envelope)[:, side : side + spectrum.shape[1] * self.hop]

    def frames(self, spectrum: Tensor) -> Tensor:
        """Windowed frames [B, T, n_fft]."""
        frames: Tensor = torch.fft.irfft(spectrum, self.n_fft) * self.window
        return frames

    def overlap_add(self, frames: Tensor) -> Tensor:
        """Frames [B, T, n_fft] → their sum, [B, (T − 1) * hop + n_fft]."""
        batch, length, _ = frames.shape
        parts = self.n_fft // self.hop
        pieces = frames.view(batch, length, parts, self.hop)
        out = frames.new_zeros(batch, length + parts - 1, self.hop)
        for part in range(parts):
            out[:, part : part + length] += pieces[:, :, part]
        return out.flatten(1)

    def envelope(self, length: int) -> Tensor:
        """What the windows of `length` frames add up to, [(length − 1) * hop + n_fft]."""
        squares = self.window.square().expand(1, length, -1)
        return self.overlap_add(squares)[0].clamp(min=1e-8)

    def stream(self) -> InverseSTFTStream:
        """The layer on one stream."""
        return InverseSTFTStream(self)


class SpectrumSynthesis(nn.Module):
    """Log-magnitudes and phases, side by side [B, T, 2 * bins] → audio [B, T * hop], by the inverse STFT."""

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.istft = InverseSTFT(n_fft, hop)
        self.size = n_fft + 2

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, 2 * bins] → [B, T * hop]."""
        audio: Tensor = self.istft(spectrum(x))
        return audio

    def stream(self) -> SpectrumStream:
        """The layer on one stream."""
        return SpectrumStream(self)


class SpectrumStream:
    """See `SpectrumSynthesis`; keeps what the inverse STFT keeps."""

    def __init__(self, layer: SpectrumSynthesis) -> None:
        self._istft = layer.istft.stream()

    def push(self, x: Tensor) -> Tensor:
        """Frames [B, T, 2 * bins] → audio [B, N]."""
        return self._istft.push(spectrum(x))

    def flush(self) -> Tensor:
        """The rest of the audio, [B, N]."""
        return self._istft.flush()


def spectrum(x: Tensor) -> Tensor:
    """Log-magnitude and phase, side by side [B, T, 2 * bins], as a complex spectrum [B, T, bins]."""
    magnitude, phase = x.float().chunk(2, -1)
    magnitude = magnitude.clamp(max=6.0).exp()
    return torch.complex(magnitude * phase.cos(), magnitude * phase.sin())


class InverseSTFTStream:
    """Keeps the tail of the overlap; samples come out when no later frame can touch them."""

    def __init__(self, layer: InverseSTFT) -> None:
        self._layer = layer
        self._skip = (layer.n_fft - layer.hop) // 2  # samples before time 0
        self._pending: Tensor | None = None  # sums that later frames still add to
        self._weights: Tensor | None = None
        self._owed = 0  # samples that belong to frames seen, but aren't out yet

    def push(self, spectrum: Tensor) -> Tensor:
        """Complex spectrum [B, T, bins] → audio [B, N]."""
        layer = self._layer
        length = spectrum.shape[1]
        summed = layer.overlap_add(layer.frames(spectrum))
        weights = layer.overlap_add(layer.window.square().expand(1, length, -1))
        if self._pending is not None and self._weights is not None:
            overlap = self._pending.shape[1]
            summed[:, :overlap] += self._pending
            weights[:, :overlap] += self._weights
        settled = length * layer.hop
        self._pending, self._weights = summed[:, settled:], weights[:, settled:]
        self._owed += length * layer.hop
        return self._emit(summed[:, :settled], weights[:, :settled])

    def flush(self) -> Tensor:
        """The samples still owed."""
        if self._pending is None or self._weights is None:
            return torch.zeros(0, 0)
        return self._emit(self._pending, self._weights)

    def _emit(self, summed: Tensor, weights: Tensor) -> Tensor:
        audio = summed / weights.clamp(min=1e-8)
        skipped = min(self._skip, audio.shape[1])
        self._skip -= skipped
        audio = audio[:, skipped:][:, : self._owed]
        self._owed -= audio.shape[1]
        return audio
