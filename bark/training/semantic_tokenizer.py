"""Training of the semantic tokenizer: its tokens must tell phoneme, pitch contour, voicing and loudness.

They may also have to tell the spectrum, to somebody who knows whose voice it is: labels are right on average and at the
middle of a phoneme, while what tells p from t lasts for some hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.codec.layers import Conv, ConvNeXtBlock, Upsample
from bark.errors import TrainingError
from bark.semantic.tokenizer import SemanticTokenizer
from bark.training.alignment import IGNORED, PITCH_HOP, cached_pitch, phoneme_classes
from bark.training.audio_corpus import Clip
from bark.training.codec import perplexity
from bark.training.loop import Batch
from bark.training.rough import roughened

ENGLISH = "AIOQSTWYabdefhijklmnoprstuvwxzæðŋɐɑɒɔəɛɜɡɪɹɾʃʊʌʒʤʧθᵊᵻː"
PAUSES = ' .,;:!?—…"()“”'
SILENT_LOG_MEL = -9.0


@dataclass(frozen=True)
class SemanticTokenizerTaskConfig:
    """What a tokenizer run draws and how it weighs its losses.

    Attributes:
        alphabet: phonemes told apart; all pauses count as the one called by a space.
        clips: of each set at most, since the pitch of each must be found first.
        rough: share of the rows that are made to sound like a cheap recording (`bark.training.rough`).
        spectrum_weight: of the mean distance of log-mels that `Painter` draws by the tokens; 0 is without it.
    """

    batch: int = 24
    crop_seconds: float = 2.4
    alphabet: str = ENGLISH
    clips: int = 3000
    rough: float = 0.0
    pitch_weight: float = 0.5
    voicing_weight: float = 0.2
    energy_weight: float = 0.3
    spectrum_weight: float = 0.0


@dataclass(frozen=True)
class _Example:
    clip: Clip
    contour: np.ndarray  # log F0 less the clip's mean where voiced, every 10 ms
    voiced: np.ndarray


class SemanticTokenizerTask(nn.Module):
    """Audio → tokens → what the teacher knows of it, at twice the token rate."""

    def __init__(
        self,
        tokenizer: SemanticTokenizer,
        sets: list[tuple[list[Clip], float]],
        held_out: list[Clip],
        config: SemanticTokenizerTaskConfig,
    ) -> None:
        super().__init__()
        self.tokenizer, self._config = tokenizer, config
        shape = tokenizer.config
        self.reader = Reader(shape.levels, shape.width, len(config.alphabet) + 2)
        self.painter = Painter(shape.levels, shape.width, shape.n_mels) if config.spectrum_weight else None
        found = [(_examples(clips[: config.clips]), weight) for clips, weight in sets]
        self._sets = [examples for examples, _ in found if examples]
        if not self._sets:
            raise TrainingError("no clip has phonemes and durations, which is what the semantic tokenizer learns from")
        weights = np.asarray([weight for examples, weight in found if examples])
        self._weights = weights / weights.sum()
        self._held_out = _examples(held_out[:96])
        hop = tokenizer.config.hop
        self._samples = round(config.crop_seconds * tokenizer.config.sample_rate / hop) * hop

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops with their targets."""
        chosen = [self._sets[rng.choice(len(self._sets), p=self._weights)] for _ in range(self._config.batch)]
        return self._batch([examples[rng.integers(len(examples))] for examples in chosen], rng)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        mel = self.tokenizer.mel(batch["audio"])
        quantised = self.tokenizer.quantizer(self.tokenizer.encoder(mel).float())
        phonemes, pitch, voicing, energy = self.reader(quantised)
        loudness = self._loudness(mel)
        voiced = batch["voiced"]
        losses = {
            "phoneme": F.cross_entropy(phonemes.transpose(1, 2), batch["phonemes"], ignore_index=IGNORED),
            "pitch": ((pitch - batch["contour"] * 5).abs() * voiced).sum() / voiced.sum().clamp(min=1),
            "voicing": F.binary_cross_entropy_with_logits(voicing, voiced),
            "energy": (energy - loudness).abs().mean(),
        }
        weights = {
            "phoneme": 1.0,
            "pitch": self._config.pitch_weight,
            "voicing": self._config.voicing_weight,
            "energy": self._config.energy_weight,
        }
        if self.painter is not None:
            losses["spectrum"] = (self.painter(quantised, timbre(mel)) - mel[:, : 4 * quantised.shape[1]]).abs().mean()
            weights["spectrum"] = self._config.spectrum_weight
        total = torch.stack([weight * losses[name] for name, weight in weights.items()]).sum()
        right = (phonemes.argmax(-1) == batch["phonemes"])[batch["phonemes"] != IGNORED]
        return {"loss": total, **losses, "accuracy": right.float().mean()}

    def validate(self) -> dict[str, float]:
        """Losses on clips kept back, and how many tokens are in use."""
        if not self._held_out:
            return {}
        batch = self._batch(self._held_out, np.random.default_rng(0))
        batch = {name: value.to(next(self.parameters()).device) for name, value in batch.items()}
        tokens = self.tokenizer.encode(batch["audio"])
        figures = {name: float(value) for name, value in self.forward(batch).items()}
        return {**figures, "perplexity": perplexity(tokens, self.tokenizer.config.vocab)}

    def export(self, path: Path) -> None:
        """Writes `semantic_tokenizer.safetensors`."""
        save_tensors(self.tokenizer.state_dict(), path / "semantic_tokenizer.safetensors")

    def _batch(self, examples: list[_Example], rng: np.random.Generator) -> Batch:
        rows = [self._crop(example, rng) for example in examples]
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def _crop(self, example: _Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
        clip, step = example.clip, self.tokenizer.config.hop // 2
        start = int(rng.integers(0, max(1, clip.row["samples"] - self._samples + 1)))
        audio = np.zeros(self._samples, np.float32)
        read = clip.audio(start, self._samples)
        audio[: len(read)] = read * 10 ** (rng.uniform(-9, 3) / 20)
        if rng.random() < self._config.rough:
            audio = roughened(audio, self.tokenizer.config.sample_rate, rng).astype(np.float32)
        times = start + step // 2 + step * np.arange(self._samples // step)
        classes = phoneme_classes(clip, times, self._config.alphabet + " ")
        frames = np.clip(times // PITCH_HOP, 0, len(example.contour) - 1)
        inside = times < clip.row["samples"]
        return {
            "audio": audio,
            "phonemes": classes,
            "contour": example.contour[frames] * inside,
            "voiced": example.voiced[frames] * inside,
        }

    def _loudness(self, mel: Tensor) -> Tensor:
        """Mean log-mel at the reader's rate, less its mean over the crop where it isn't silent, [B, T]."""
        mean = mel.mean(-1)
        mean = mean[:, : mean.shape[1] // 2 * 2].view(len(mean), -1, 2).mean(-1)
        loud = mean > SILENT_LOG_MEL
        level = (mean * loud).sum(1, keepdim=True) / loud.sum(1, keepdim=True).clamp(min=1)
        return ((mean - level) / 2).clamp(min=-2)


class Reader(nn.Module):
    """From quantised values back to what they should tell; thrown away after training."""

    def __init__(self, levels: tuple[int, ...], width: int, classes: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            Conv(len(levels), width, kernel=3, lookahead=1),
            ConvNeXtBlock(width),
            Upsample(width, 2),
            ConvNeXtBlock(width),
            nn.LayerNorm(width),
        )
        self.heads = nn.Linear(width, classes + 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[B, T, D] → phoneme logits [B, 2T, classes], and pitch, voicing and energy, [B, 2T] each."""
        y = self.heads(self.trunk(x)).float()
        return y[..., :-3], y[..., -3], y[..., -2], y[..., -1]


class Painter(nn.Module):
    """From quantised values to the log-mel they came from, of a voice that is known; thrown away after training."""

    def __init__(self, levels: tuple[int, ...], width: int, n_mels: int) -> None:
        super().__init__()
        self.read = Conv(len(levels), width, kernel=3, lookahead=1)
        self.voice = nn.Linear(2 * n_mels, width)
        self.trunk = nn.Sequential(
            ConvNeXtBlock(width),
            ConvNeXtBlock(width),
            Upsample(width, 2),
            ConvNeXtBlock(width),
            Upsample(width, 2),
            ConvNeXtBlock(width),
            nn.LayerNorm(width),
            nn.Linear(width, n_mels),
        )

    def forward(self, x: Tensor, timbre: Tensor) -> Tensor:
        """[B, T, D] and what `timbre` says [B, 2M] → [B, 4T, M]."""
        drawn: Tensor = self.trunk(self.read(x) + self.voice(timbre)[:, None])
        return drawn.float()


def timbre(mel: Tensor) -> Tensor:
    """Mean and deviation of each band of a log-mel [B, T, M] where it isn't silent, [B, 2M]: who speaks, not what."""
    loud = (mel.mean(-1, keepdim=True) > SILENT_LOG_MEL).float()
    count = loud.sum(1).clamp(min=1)
    mean = (mel * loud).sum(1) / count
    deviation = (((mel - mean[:, None]) ** 2 * loud).sum(1) / count).sqrt()
    return torch.cat([mean, deviation], -1) / 4


def _examples(clips: list[Clip]) -> list[_Example]:
    examples = []
    aligned = [clip for clip in clips if "durations" in clip.row]
    for clip in aligned:  # every pause is the same to the listener
        clip.row["phonemes"] = "".join(" " if p in PAUSES else p for p in clip.row["phonemes"])
    for clip, contour in zip(aligned, cached_pitch(aligned), strict=True):
        voiced = contour > 0
        mean = contour[voiced].mean() if voiced.any() else 0.0
        examples.append(_Example(clip, ((contour - mean) * voiced).astype(np.float32), voiced.astype(np.float32)))
    return examples
