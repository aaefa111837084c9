"""A voice as a source and a filter: pulses at the pitch and noise, each through a filter that changes all the time.

The decoder says how high the voice is and how strong both are at each frequency; that there are harmonics, and where,
is known beforehand and needs no learning. The idea is that of the source–filter vocoders (Dudley 1939; WORLD, Morise
et al. 2016) with learned filters, as in DDSP (Engel et al. 2020) and the neural
source–filter models (Wang et al. 2019).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.codec.spectrum import DECIBEL, InverseSTFT

LOWEST, HIGHEST = 50.0, 550.0  # Hz, of the pitch
MIDDLE = 150.0  # Hz, that pitches are relative to
SOFTEST, LOUDEST = -14.0, 4.0  # of the natural log of a filter's gain
DETAIL = 2.5e-3  # seconds of the cepstrum from which all of it counts as the detail of a filter
NOISE_POINTS = 49  # of the noise's filter, every 250 Hz at 24 kHz: a finer one draws stripes that are no harmonics


class SourceFilter(nn.Module):
    """Frames of two filters, and a pitch → audio; T frames give T * hop samples, framed as `InverseSTFT` frames them.

    A frame has natural logs of the gain of the pulses at each of the n_fft // 2 + 1 bins, and of that of the noise at
    `NOISE_POINTS` from 0 to Nyquist; the pitch is the natural log of that over `MIDDLE`, at the middle of the frame.
    The phase starts at 0 and the noise is a function of the sample's place in the stream, so the same frames always
    give the same audio, and so do they in any pieces.

    A decoder that learned by distances writes filters that are smoother than any that it heard, and noise where a voice
    drowns it. Out of training, `contrast` and `hush` mend that, the former as the postfilter of speech from hidden
    Markov models does (Yoshimura et al. 2005); critics and losses see what the decoder wrote.

    Args:
        n_fft, hop: of the frames, as in `InverseSTFT`.
        sample_rate: Hz.
        contrast: by what part of itself the detail of the pulses' log gain, all that is narrower than about 1 kHz,
            grows.
        hush: dB by which the noise is softer where the pulses are much stronger; half of it where they are as strong.
    """

    fold: Tensor
    lifter: Tensor

    def __init__(self, n_fft: int, hop: int, sample_rate: int, contrast: float = 0.0, hush: float = 0.0) -> None:
        super().__init__()
        self.hush = hush / DECIBEL  # of a log gain
        self.istft = InverseSTFT(n_fft, hop)
        self.n_fft, self.hop, self.sample_rate = n_fft, hop, sample_rate
        self.bins = n_fft // 2 + 1
        self.size = self.bins + NOISE_POINTS
        fold = _fold(n_fft)
        self.register_buffer("fold", fold, persistent=False)
        self.register_buffer("lifter", fold * (1 + contrast * _detail(n_fft, sample_rate)), persistent=False)

    def forward(self, x: Tensor, log_pitch: Tensor, start: int = 0) -> Tensor:
        """Frames [B, T, size] and their pitch [B, T] with T ≥ 1 → audio [B, T * hop].

        Args:
            start: the first sample's place in the noise.
        """
        stream = self.stream(start)
        return torch.cat([stream.push(x, log_pitch), stream.flush()], 1)

    def filtered(self, sources: Tensor, x: Tensor) -> Tensor:
        """Spectra of pulses and noise [B, 2, T, bins], through the filters of T frames x → [B, T, bins]."""
        log_gains = x.float().clamp(SOFTEST, LOUDEST)
        voiced, points = log_gains[..., : self.bins], log_gains[..., self.bins :]
        unvoiced = F.interpolate(points, self.bins, mode="linear", align_corners=True)
        if self.hush and not self.training:
            unvoiced = unvoiced - self.hush * (voiced - unvoiced).sigmoid()
        return sources[:, 0] * self.minimum_phase(voiced) + sources[:, 1] * unvoiced.exp()

    def minimum_phase(self, log_gain: Tensor) -> Tensor:
        """The filter [..., bins] of a log gain that rings least: the cepstrum is folded onto its causal side
        (Oppenheim and Schafer)."""
        folded = torch.fft.irfft(log_gain, self.n_fft) * (self.fold if self.training else self.lifter)
        log_response = torch.fft.rfft(folded)
        return torch.polar(log_response.real.exp(), log_response.imag)  # complex exp takes four times as long

    def stream(self, start: int = 0) -> SourceFilterStream:
        """The layer on one stream, whose first sample is at `start` of the noise."""
        return SourceFilterStream(self, start)


class SourceFilterStream:
    """A frame waits until the pitch is known to the end of its window: two frames more."""

    def __init__(self, layer: SourceFilter, start: int = 0) -> None:
        self._layer = layer
        self._sources = SourceStream(layer.hop, layer.sample_rate, start)
        self._istft = layer.istft.stream()
        self._waiting: Tensor | None = None  # frames without audio
        self._kept: Tensor | None = None  # sources that later frames still need

    def push(self, x: Tensor, log_pitch: Tensor) -> Tensor:
        """Frames [B, T, size] and pitches [B, T'], which may be ahead of them → audio [B, N]; either may be none."""
        if x.shape[1]:
            self._waiting = x if self._waiting is None else torch.cat([self._waiting, x], 1)
        if log_pitch.shape[1]:
            self._keep(self._sources.push(log_pitch))
        return self._render(x)

    def flush(self) -> Tensor:
        """The rest of the audio, [B, N]."""
        if self._waiting is None or self._kept is None:
            return torch.zeros(0, 0)
        self._keep(F.pad(self._sources.flush(), (0, self._layer.n_fft)))  # silence after the end
        return torch.cat([self._render(self._waiting), self._istft.flush()], 1)

    def _keep(self, sources: Tensor) -> None:
        """Sources [B, 2, N] that follow those before; silence is before them all."""
        side = (self._layer.n_fft - self._layer.hop) // 2
        self._kept = F.pad(sources, (side, 0)) if self._kept is None else torch.cat([self._kept, sources], -1)

    def _render(self, like: Tensor) -> Tensor:
        """Audio of the frames whose windows the sources fill; there may be none, of the batch of [B, …]."""
        layer, ready = self._layer, 0
        if self._waiting is not None and self._kept is not None:
            windows = (self._kept.shape[-1] - layer.n_fft) // layer.hop + 1
            ready = max(0, min(windows, self._waiting.shape[1]))
        if self._waiting is None or self._kept is None or not ready:
            return torch.zeros(len(like), 0, device=like.device)
        frames = self._kept.unfold(-1, layer.n_fft, layer.hop)[:, :, :ready] * layer.istft.window
        self._kept = self._kept[..., ready * layer.hop :]
        x, self._waiting = self._waiting[:, :ready], self._waiting[:, ready:]
        return self._istft.push(layer.filtered(torch.fft.rfft(frames), x))


class SourceStream:
    """Pulses and noise of a stream, from the natural log of the pitch over 150 Hz at the middle of each frame.

    Between the middles the log of the pitch goes straight, before the first and after the last it stays.
    """

    def __init__(self, hop: int, sample_rate: int, start: int) -> None:
        self._hop, self._sample_rate, self._place = hop, sample_rate, start
        self._last: Tensor | None = None  # [B, 1], the pitch of the last frame
        self._phase: Tensor | None = None  # [B, 1], in turns

    def push(self, log_pitch: Tensor) -> Tensor:
        """[B, T] with T ≥ 1 → [B, 2, N]: pulses, noise."""
        log_pitch = log_pitch.detach().double().clamp(math.log(LOWEST / MIDDLE), math.log(HIGHEST / MIDDLE))
        begun = self._last is not None
        points = torch.cat([log_pitch[:, :1] if self._last is None else self._last, log_pitch], 1)  # [B, T + 1]
        self._last = points[:, -1:]
        way = (torch.arange(self._hop, device=points.device) + 0.5) / self._hop
        line = points[:, :-1, None] + (points[:, 1:] - points[:, :-1])[..., None] * way  # [B, T, hop]
        return self._sound(line.flatten(1)[:, 0 if begun else self._hop // 2 :])

    def flush(self) -> Tensor:
        """The samples after the middle of the last frame, [B, 2, hop / 2]."""
        assert self._last is not None
        return self._sound(self._last.expand(-1, self._hop // 2))

    def _sound(self, log_pitch: Tensor) -> Tensor:
        """The log of the pitch at each sample [B, N] → [B, 2, N]."""
        pitch = MIDDLE * log_pitch.exp()
        turns = (pitch / self._sample_rate).cumsum(-1)
        if self._phase is not None:
            turns = turns + self._phase
        self._phase = turns[:, -1:] % 1.0
        places = torch.arange(self._place, self._place + pitch.shape[1], device=pitch.device)
        self._place += pitch.shape[1]
        return torch.stack([pulses(turns, pitch, self._sample_rate), noise(places).expand(len(pitch), -1)], 1)


def pulses(turns: Tensor, pitch: Tensor, sample_rate: int) -> Tensor:
    """Cosines of one power at all multiples of the pitch up to 23/24 of Nyquist, the highest faded in as it comes.

    They sum up to Dirichlet's kernel, Σ cos(hφ) for h = 1 … n = (sin((n + ½)φ) / sin(½φ) − 1) / 2. As white noise of
    variance 1 has, they have a power of 1 in all.

    Args:
        turns: phase of the pitch divided by 2π, float64 [B, N].
        pitch: Hz, float64 [B, N].

    Returns:
        float32 [B, N].
    """
    top = sample_rate * 23 / 48
    count = (top / pitch).floor()
    fading = top / pitch - count
    half = math.pi * (turns - turns.round())
    peak = half.abs() < 1e-7
    ratio = torch.where(peak, 2 * count + 1, ((2 * count + 1) * half).sin() / half.sin().masked_fill(peak, 1.0))
    total = 0.5 * (ratio - 1) + fading * (2 * (count + 1) * half).cos()
    return (total * (2 * pitch / top).sqrt()).float()


def noise(places: Tensor) -> Tensor:
    """White noise of variance 1, float32, as a hash of each sample's place in the stream, int64 ≥ 0."""
    x = places & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x = x ^ (x >> 16)
    return (x.double() / 2**31 - 1).float() * math.sqrt(3.0)


def _fold(n_fft: int) -> Tensor:
    """What a cepstrum is multiplied with to become causal, [n_fft]."""
    fold = torch.zeros(n_fft)
    fold[0] = fold[n_fft // 2] = 1.0
    fold[1 : n_fft // 2] = 2.0
    return fold


def _detail(n_fft: int, sample_rate: int) -> Tensor:
    """How much of each place of a cepstrum is detail, [n_fft]: none at 0, all from `DETAIL` on."""
    places = torch.arange(n_fft)
    seconds = torch.minimum(places, n_fft - places) / sample_rate
    return 0.5 - 0.5 * torch.cos(math.pi * (seconds / DETAIL).clamp(max=1))
