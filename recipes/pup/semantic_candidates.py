"""Ways to make semantic tokens of speech, most of 1024 tokens, and what they are made of.

pup             the tokenizer of a checkpoint: ConvNeXt on log-mel, supervised
whisper-50      the nearest of 1024 means of Whisper base's encoder features, 50 Hz
whisper-25      the same of features averaged by twos, 25 Hz
whisper-fsq     a small ConvNeXt on Whisper's features, supervised as pup's, and told to keep the features, 25 Hz
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.codec.layers import Conv, ConvNeXtBlock, Downsample
from bark.evaluation.files import Audio
from bark.semantic.tokenizer import FiniteScalarQuantizer, SemanticTokenizer
from bark.tokens import IntArray
from bark.training.alignment import IGNORED, PITCH_HOP, cached_pitch, phoneme_classes
from bark.training.audio_corpus import Clip
from bark.training.loop import Batch
from bark.training.semantic_tokenizer import ENGLISH, PAUSES, Reader
from recipes.pup.whisper_features import FRAME_RATE, WIDTH, Features

VOCAB = 1024
SAMPLE_RATE = 24_000
MEANS_FRAMES = 40_000  # that the means are found from
ROUNDS = 12


@dataclass(frozen=True)
class Utterance:
    """A clip with its features, and the codec's codes of it [K, T], half as many frames again as whole tokens have."""

    clip: Clip
    features: Features
    codes: IntArray

    @property
    def voice(self) -> str:
        """Who speaks."""
        return str(self.clip.row["voice"])


class Candidate(Protocol):
    """Makes tokens.

    Attributes:
        rate: of the tokens, a second.
        vocab: how many tokens there are.
    """

    name: str
    rate: int
    vocab: int

    def encode(self, audio: Audio, features: Features) -> IntArray:
        """Tokens [T * rate] of T seconds, whole ones only."""


class Shipped:
    """A checkpoint's tokenizer, by the name of the checkpoint."""

    def __init__(self, name: str, tokenizer: SemanticTokenizer) -> None:
        self.name, self._tokenizer = name, tokenizer
        self.rate, self.vocab = tokenizer.config.rate, tokenizer.config.vocab

    @torch.inference_mode()
    def encode(self, audio: Audio, features: Features) -> IntArray:
        """See `Candidate`."""
        found: IntArray = self._tokenizer.encode(torch.from_numpy(np.array(audio))[None])[0].numpy()
        return found[: len(audio) * self.rate // SAMPLE_RATE]


class Means:
    """The nearest of `VOCAB` means of features, which are averaged down to a rate.

    Args:
        rate: 50, or a part of it.
        utterances: whose features the means are found from.
    """

    def __init__(self, rate: int, utterances: Sequence[Utterance]) -> None:
        self.name, self.rate, self.vocab = f"whisper-{rate}", rate, VOCAB
        frames = torch.cat([self._pooled(each.features) for each in utterances])
        self._mean, self._scale = frames.mean(0), frames.std(0)
        generator = torch.Generator().manual_seed(0)
        frames = frames[torch.randperm(len(frames), generator=generator)[:MEANS_FRAMES]]
        self._entries = k_means((frames - self._mean) / self._scale, VOCAB, ROUNDS, generator)

    def encode(self, audio: Audio, features: Features) -> IntArray:
        """See `Candidate`."""
        found: IntArray = nearest((self._pooled(features) - self._mean) / self._scale, self._entries).numpy()
        return found

    def _pooled(self, features: Features) -> Tensor:
        step = FRAME_RATE // self.rate
        whole = torch.from_numpy(np.array(features[: len(features) // step * step], np.float32))
        return whole.view(-1, step, WIDTH).mean(1)


def k_means(points: Tensor, count: int, rounds: int, generator: torch.Generator) -> Tensor:
    """Means [count, C] of points [N, C], by Lloyd's rounds; one that lost all its points takes a random one."""
    means = points[torch.randperm(len(points), generator=generator)[:count]].clone()
    for _ in range(rounds):
        owner = nearest(points, means)
        members = torch.bincount(owner, minlength=count)
        means = torch.zeros_like(means).index_add_(0, owner, points) / members.clamp(min=1)[:, None]
        empty = members == 0
        means[empty] = points[torch.randint(len(points), (int(empty.sum()),), generator=generator)]
    return means


def nearest(points: Tensor, means: Tensor) -> Tensor:
    """The index of the mean nearest to each point, [N]."""
    bias = means.square().sum(1) / 2
    return torch.cat([(part @ means.T - bias).argmax(1) for part in points.split(8192)])


class FeatureTokenizer(nn.Module):
    """Features → ConvNeXt → finite scalar quantisation, 25 Hz."""

    name, rate = "whisper-fsq", 25

    def __init__(self, levels: tuple[int, ...] = (4, 4, 4, 4, 4), width: int = 192) -> None:
        super().__init__()
        self.levels, self.width, self.vocab = levels, width, math.prod(levels)
        self.encoder = nn.Sequential(
            nn.LayerNorm(WIDTH),
            Conv(WIDTH, width, kernel=3, lookahead=1),
            ConvNeXtBlock(width),
            Downsample(width, width, 2),
            ConvNeXtBlock(width),
            ConvNeXtBlock(width),
            nn.LayerNorm(width),
            nn.Linear(width, len(levels)),
        )
        self.quantizer = FiniteScalarQuantizer(levels)

    @torch.inference_mode()
    def encode(self, audio: Audio, features: Features) -> IntArray:
        """See `Candidate`."""
        whole = torch.from_numpy(np.array(features[: len(features) // 2 * 2], np.float32))
        found: IntArray = self.quantizer.encode(self.encoder(whole[None]).float())[0].numpy()
        return found


@dataclass(frozen=True)
class _Example:
    features: Features
    classes: IntArray  # at 50 Hz, IGNORED where nobody knows
    contour: np.ndarray  # log F0 less the clip's mean where voiced, else 0
    voiced: np.ndarray
    loudness: np.ndarray


class FeatureTokenizerTask(nn.Module):
    """Trains a `FeatureTokenizer`: its tokens must tell what pup's must tell, and Whisper's features besides."""

    def __init__(self, utterances: Sequence[Utterance], batch: int = 16, seconds: float = 2.4) -> None:
        super().__init__()
        self.tokenizer = FeatureTokenizer()
        self.reader = Reader(self.tokenizer.levels, self.tokenizer.width, len(ENGLISH) + 2 + WIDTH)
        self._batch, self._frames = batch, round(seconds * FRAME_RATE)
        self._examples = _examples(utterances)
        sample = np.concatenate([each.features[::7] for each in self._examples]).astype(np.float32)
        self.register_buffer("mean", torch.from_numpy(sample.mean(0)))
        self.register_buffer("scale", torch.from_numpy(sample.std(0)))

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops with their targets."""
        rows = [self._crop(self._examples[rng.integers(len(self._examples))], rng) for _ in range(self._batch)]
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        told, pitch, voicing, energy = self.reader(
            self.tokenizer.quantizer(self.tokenizer.encoder(batch["features"]).float())
        )
        phonemes, features = told.split([told.shape[-1] - WIDTH, WIDTH], -1)
        voiced = batch["voiced"]
        wanted = (batch["features"] - self.get_buffer("mean")) / self.get_buffer("scale")
        losses = {
            "phoneme": F.cross_entropy(phonemes.transpose(1, 2), batch["classes"], ignore_index=IGNORED),
            "features": (features - wanted).square().mean(),
            "pitch": ((pitch - batch["contour"] * 5).abs() * voiced).sum() / voiced.sum().clamp(min=1),
            "voicing": F.binary_cross_entropy_with_logits(voicing, voiced),
            "energy": (energy - batch["loudness"]).abs().mean(),
        }
        weights = {"phoneme": 1.0, "features": 1.0, "pitch": 0.5, "voicing": 0.2, "energy": 0.3}
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        return {"loss": total, **losses}

    def validate(self) -> dict[str, float]:
        """Nothing: what the tokens are worth is measured elsewhere."""
        return {}

    def export(self, path: Path) -> None:
        """Writes `tokenizer.safetensors`."""
        save_tensors(self.tokenizer.state_dict(), path / "tokenizer.safetensors")

    def _crop(self, example: _Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
        start = int(rng.integers(0, max(1, len(example.features) - self._frames + 1)))
        cut = slice(start, start + self._frames)
        missing = max(0, self._frames - (len(example.features) - start))
        fill = {"classes": IGNORED}
        return {
            name: np.pad(
                getattr(example, name)[cut].astype(np.int64 if name == "classes" else np.float32),
                [(0, missing), *[(0, 0)] * (getattr(example, name).ndim - 1)],
                constant_values=fill.get(name, 0),
            )
            for name in ("features", "classes", "contour", "voiced", "loudness")
        }


def _examples(utterances: Sequence[Utterance]) -> list[_Example]:
    pitches = cached_pitch([each.clip for each in utterances])
    return [_example(each, pitch) for each, pitch in zip(utterances, pitches, strict=True)]


def _example(utterance: Utterance, pitch: np.ndarray) -> _Example:
    clip, count, hop = utterance.clip, len(utterance.features), SAMPLE_RATE // FRAME_RATE
    times = np.arange(count) * hop + hop // 2
    classes = np.full(count, IGNORED)
    if "durations" in clip.row:
        classes = spoken_classes(clip, times)
    pitch = pitch[np.clip(times // PITCH_HOP, 0, len(pitch) - 1)]
    voiced = pitch > 0
    contour = (pitch - (pitch[voiced].mean() if voiced.any() else 0.0)) * voiced
    return _Example(utterance.features, classes, contour, voiced, loudness(clip.audio(), count))


def spoken_classes(clip: Clip, times: IntArray) -> IntArray:
    """For each time, in samples, the class of an aligned clip's phoneme; all pauses are one."""
    row = {**clip.row, "phonemes": "".join(" " if p in PAUSES else p for p in clip.row["phonemes"])}
    return phoneme_classes(Clip(clip.pcm, row), times, ENGLISH + " ")


def loudness(audio: Audio, count: int) -> np.ndarray:
    """Log RMS of `count` frames at 50 Hz, less its mean where it isn't silent, in the scale of pup's own task."""
    hop = SAMPLE_RATE // FRAME_RATE
    level = np.log(np.sqrt(np.square(audio[: count * hop]).reshape(count, hop).mean(1)) + 1e-4)
    loud = level > np.log(1e-3)
    return np.maximum((level - (level[loud].mean() if loud.any() else 0.0)) / 2, -2)
