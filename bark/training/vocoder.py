"""Adversarial training of the codec's decoder; encoder and codebooks stay, so that codes keep their meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bark.checkpoints.tensors import save_tensors
from bark.codec.pup import PupCodec
from bark.models.config import from_mapping
from bark.training.audio_corpus import AudioSampler
from bark.training.discriminators import (
    DiscriminatorConfig,
    Discriminators,
    adversarial_loss,
    critic_loss,
    feature_loss,
)
from bark.training.distance import MelDistance
from bark.training.loop import Batch


@dataclass(frozen=True)
class VocoderTaskConfig:
    """What a run draws and how it weighs its losses.

    Attributes:
        crop_seconds, batch: size of a batch.
        adversarial_after: steps in which only the critics and the spectral losses learn.
        discriminators: their shape.
    """

    crop_seconds: float = 0.6
    batch: int = 8
    scales: tuple[int, ...] = (256, 512, 1024, 2048)
    n_mels: int = 160
    mel_weight: float = 5.0
    feature_weight: float = 2.0
    adversarial_weight: float = 1.0
    adversarial_after: int = 200
    validation_clips: int = 24
    discriminators: dict[str, Any] = field(default_factory=dict)


class DecoderTask(nn.Module):
    """What all training of a decoder has in common: encoder and codebooks begin frozen.

    Args:
        clips: validation crops, of `samples` each.
    """

    distance: MelDistance

    def __init__(self, codec: PupCodec, held_out: AudioSampler, clips: int, samples: int) -> None:
        super().__init__()
        self.codec = codec
        codec.encoder.requires_grad_(False)
        codec.quantizer.requires_grad_(False)
        self._held_out, self._clips, self._validation_samples = held_out, clips, samples

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def validate(self) -> dict[str, float]:
        """Mel distance with all and with two codebooks."""
        if not self._held_out:
            return {}
        audio = self._validation_audio()
        codes = self.codec.encode(audio)
        decoded = {k: self.codec.decode(codes[:, :k]) for k in (2, self.codec.n_codebooks)}
        return {f"mel_{k}": float(self.distance(heard, audio)[0]) for k, heard in decoded.items()}

    def export(self, path: Path) -> None:
        """Writes `codec.safetensors`."""
        save_tensors(self.codec.state_dict(), path / "codec.safetensors")

    def _validation_audio(self) -> Tensor:
        """The same crops each time, [B, N]."""
        crops = self._held_out.crops(np.random.default_rng(0), self._clips, self._validation_samples)
        return torch.from_numpy(crops).to(next(self.parameters()).device)

    @torch.no_grad()
    def encoded(self, audio: Tensor) -> Tensor:
        """All codes [B, K, T] of audio [B, N]."""
        return self.codec.encode(audio)

    @torch.no_grad()
    def read(self, codes: Tensor, books: Tensor, how: Callable[[Tensor], Tensor]) -> Tensor:
        """What is made of each row's first codebooks, all of them or two; `how` takes [B, K, T], gives [B, T, C]."""
        return torch.where((books == codes.shape[1])[:, None, None], how(codes), how(codes[:, :2]))


class VocoderTask(DecoderTask):
    """One backward pass trains both sides: critics see a detached copy, and are frozen where the decoder is judged."""

    step: Tensor

    def __init__(
        self, codec: PupCodec, sampler: AudioSampler, held_out: AudioSampler, config: VocoderTaskConfig
    ) -> None:
        samples = round(config.crop_seconds * codec.sample_rate / codec.config.hop) * codec.config.hop
        super().__init__(codec, held_out, config.validation_clips, 3 * samples)
        self._config, self._sampler, self._samples = config, sampler, samples
        shape = from_mapping(DiscriminatorConfig, config.discriminators, "[codec-decoder.discriminators]")
        self.critics = Discriminators(shape)
        self.distance = MelDistance(codec.sample_rate, tuple(config.scales), config.n_mels)
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops: audio [B, N], and each row's number of codebooks [B]."""
        audio = self._sampler.crops(rng, self._config.batch, self._samples)
        books = np.where(rng.random(len(audio)) < 0.7, self.codec.n_codebooks, 2)
        return {"audio": torch.from_numpy(audio), "books": torch.from_numpy(books)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch; "loss" is the sum of the decoder's and the critics'."""
        config, real = self._config, batch["audio"]
        fake = self.codec.synthesize(self.read(self.encoded(real), batch["books"], self.codec.quantizer.decode))
        mel, spectral = self.distance(fake, real)
        critics = critic_loss(self.critics(real), self.critics(fake.detach()))
        self.critics.requires_grad_(False)
        judged = self.critics(fake)
        with torch.no_grad():
            seen = self.critics(real)
        self.critics.requires_grad_(True)
        adversarial, features = adversarial_loss(judged), feature_loss(seen, judged)
        on = 1.0 if int(self.step) >= config.adversarial_after else 0.0
        if self.training:
            self.step += 1
        decoder = config.mel_weight * (mel + spectral)
        decoder = decoder + on * (config.adversarial_weight * adversarial + config.feature_weight * features)
        return {
            "loss": decoder + critics,
            "mel": mel,
            "spectral": spectral,
            "adversarial": adversarial,
            "features": features,
            "critics": critics,
        }
