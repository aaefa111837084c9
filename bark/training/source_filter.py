"""Training of a codec whose decoder writes a pitch and filters: all of it, or the decoder alone, so that codes stay.

The pitch is learned from pitches. The filters are learned from spectra, heard through pulses at the true pitch: at one
that is a little off, harmonics would miss those of the target, and noise would be the better answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bark.codec.layers import Pointwise
from bark.codec.pup import PupCodec
from bark.codec.source_filter import NOISE_POINTS, SourceFilter
from bark.training.audio_corpus import AudioSampler
from bark.training.codec import TrainableRVQ, perplexity
from bark.training.discriminators import (
    CompressedCritics,
    feature_loss,
    least_squares_critic_loss,
    least_squares_loss,
)
from bark.training.distance import MelDistance, SpectralDistance
from bark.training.loop import Batch
from bark.training.pitched import PitchedSampler
from bark.training.rough import roughened
from bark.training.vocoder import DecoderTask

NOISES = 100_000_000  # places in the noise where a row may begin
SILENT_WEIGHT = 0.03  # of a pitch where there is none to hear


@dataclass(frozen=True)
class SourceFilterTaskConfig:
    """What a run draws and how it weighs its losses.

    Attributes:
        crop_seconds, batch: size of a batch.
        few_books: share of the rows that have two codebooks only.
        rough: share of the rows that are made to sound like a cheap recording (`bark.training.rough`).
        commitment: weight of the distance of the latents to their entries, where the encoder learns too.
        scales: FFT sizes of the spectral losses, each with a quarter as hop.
        n_mels: at the largest scale; smaller ones have proportionally fewer, at least 20.
        critics: FFT sizes of the critics; none where empty.
        critic_width: channels of their first layer; later ones have up to twice as many.
        adversarial_after: steps in which only the critics and the other losses learn.
    """

    crop_seconds: float = 0.8
    batch: int = 8
    few_books: float = 0.1
    rough: float = 0.0
    commitment: float = 0.25
    scales: tuple[int, ...] = (512, 1024, 2048)
    n_mels: int = 160
    critics: tuple[int, ...] = (512, 1024, 2048)
    critic_width: int = 16
    pitch_weight: float = 10.0
    spectral_weight: float = 3.0
    feature_weight: float = 2.0
    adversarial_weight: float = 1.0
    adversarial_after: int = 1000
    validation_clips: int = 24


class SourceFilterTask(DecoderTask):
    """One backward pass trains both sides: critics see a detached copy, and are frozen where the decoder is judged.

    Args:
        whole: whether encoder and codebooks learn too, straight through the codes (`TrainableRVQ`).
    """

    step: Tensor

    def __init__(
        self,
        codec: PupCodec,
        sampler: PitchedSampler,
        held_out: AudioSampler,
        config: SourceFilterTaskConfig,
        whole: bool = False,
    ) -> None:
        frames = round(config.crop_seconds * codec.frame_rate)
        super().__init__(codec, held_out, config.validation_clips, 3 * frames * codec.config.hop)
        self.quantizer = TrainableRVQ(codec.quantizer) if whole else None
        if whole:
            codec.requires_grad_(True)
        self._config, self._sampler, self._frames = config, sampler, frames * codec.config.oversample
        self.critics = CompressedCritics(config.critics, config.critic_width)
        self.distance = MelDistance(codec.sample_rate, tuple(config.scales), config.n_mels)
        self.spectral = SpectralDistance(tuple(config.scales))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops, half of them at random levels: audio [B, N], its pitch, and each row's codebooks [B]."""
        config = self._config
        crops = self._sampler.crops(rng, config.batch, self._frames)
        decibels = rng.uniform(-12, 3, config.batch) * (rng.random(config.batch) < 0.5)
        audio = crops.audio * 10 ** (decibels[:, None] / 20)
        for row in np.flatnonzero(rng.random(config.batch) < config.rough):
            audio[row] = roughened(audio[row], self.codec.sample_rate, rng)
        audio = np.clip(audio, -1, 1).astype(np.float32)
        books = np.where(rng.random(config.batch) < config.few_books, 2, self.codec.n_codebooks)
        books[0] = self.codec.n_codebooks  # so that every codebook has members in every batch
        return {
            "audio": torch.from_numpy(audio),
            "log_pitch": torch.from_numpy(crops.log_pitch),
            "voiced": torch.from_numpy(crops.voiced),
            "books": torch.from_numpy(books),
            "start": torch.tensor(int(rng.integers(NOISES))),
        }

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch; "loss" is the sum of the decoder's and the critics'."""
        config, real, log_pitch = self._config, batch["audio"], batch["log_pitch"]
        latent, points, commitment = self._quantized(real, batch["books"])
        pitch = _pitch_loss(self.codec.pitch(points), log_pitch, batch["voiced"])
        frames = self.codec.decoder(latent)
        fake = self.codec.synthesis(frames, log_pitch, int(batch["start"]))
        log, relative = self.spectral(fake, real)
        mel, _ = self.distance(fake, real)
        loss = config.pitch_weight * pitch + config.spectral_weight * (log + 0.5 * relative + mel)
        figures = {"pitch": pitch, "log": log, "relative": relative, "mel": mel}
        if commitment is not None:
            loss, figures = loss + config.commitment * commitment, {**figures, "commitment": commitment}
        if config.critics:
            judged = self._judged(real, fake)
            loss, figures = loss + judged["judged"] + judged["critics"], {**figures, **judged}
        return {"loss": loss, **figures}

    def _quantized(self, audio: Tensor, books: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What each row's books say, [B, T, C], their entries [B, T, D], and how far the latents are from them."""
        if self.quantizer is not None:
            latent = self.codec.latent(audio).float()
            with torch.autocast(audio.device.type, enabled=False):  # codes are read without it
                quantized: tuple[Tensor, Tensor, Tensor] = self.quantizer(latent, books)
            return quantized
        codes, quantizer = self.encoded(audio), self.codec.quantizer
        return self.read(codes, books, quantizer.decode), self.read(codes, books, quantizer.points), None

    def validate(self) -> dict[str, float]:
        """Mel distance with all and with two codebooks, and how evenly the first and the last codebook are used."""
        figures = super().validate()
        if figures and self.quantizer is not None:
            codes = self.codec.encode(self._validation_audio())
            for k in (0, self.codec.n_codebooks - 1):
                figures[f"perplexity_{k}"] = perplexity(codes[:, k], self.codec.codebook_size)
        return figures

    def _judged(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """What the critics learn by, and what the decoder learns of them: nothing in the first steps."""
        seen = self.critics(real)
        critics = least_squares_critic_loss(seen, self.critics(fake.detach()))
        begun = int(self.step) >= self._config.adversarial_after
        if self.training:
            self.step += 1
        if not begun:
            return {"critics": critics, "judged": torch.zeros_like(critics)}
        self.critics.requires_grad_(False)
        judged = self.critics(fake)
        self.critics.requires_grad_(True)
        adversarial, features = least_squares_loss(judged), feature_loss(seen, judged)
        total = self._config.adversarial_weight * adversarial + self._config.feature_weight * features
        return {"critics": critics, "judged": total, "adversarial": adversarial, "features": features}


@torch.no_grad()
def begin_with(codec: PupCodec, begun: PupCodec) -> None:
    """Takes over a codec of the same shape: all of it, or where its decoder writes spectra, all but its last layer.

    Then the filters begin at the magnitudes that the decoder wrote, half of the power from the pulses, half from the
    noise; what reads the pitch begins anew.
    """
    if isinstance(begun.synthesis, SourceFilter):
        codec.load_state_dict(begun.state_dict())
        return
    codec.encoder.load_state_dict(begun.encoder.state_dict())
    codec.quantizer.load_state_dict(begun.quantizer.state_dict())
    codec.decoder[:-1].load_state_dict(begun.decoder[:-1].state_dict())
    last, head, synthesis = begun.decoder[-1], codec.decoder[-1], codec.synthesis
    assert isinstance(last, Pointwise) and isinstance(head, Pointwise) and isinstance(synthesis, SourceFilter)
    bins = synthesis.bins
    level = synthesis.istft.window.square().sum().mul(2).sqrt().log()  # of the spectrum of two sources of power 1
    for ours, theirs, offset in ((head.weight, last.weight, 0.0), (head.bias, last.bias, float(level))):
        magnitudes = theirs[:bins] - offset
        ours[:bins] = magnitudes
        ours[bins:] = _points(magnitudes.view(bins, -1)).view(NOISE_POINTS, *magnitudes.shape[1:])


def _points(magnitudes: Tensor) -> Tensor:
    """Rows for all bins, [bins, C], smoothed to rows for the points of the noise's filter."""
    columns = magnitudes.T[:, None]  # [C, 1, bins]
    return F.adaptive_avg_pool1d(columns, NOISE_POINTS)[:, 0].T


def _pitch_loss(found: Tensor, log_pitch: Tensor, voiced: Tensor) -> Tensor:
    """L1 where a voice sounds; elsewhere hardly."""
    weight = voiced + SILENT_WEIGHT
    return ((found.float() - log_pitch).abs() * weight).sum() / (voiced.sum() + 1)
