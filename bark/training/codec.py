"""Training of pup's codec: spectral losses over a straight-through residual VQ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.codec.pup import PupCodec
from bark.codec.quantizer import Codebook, ResidualVQ
from bark.training.audio_corpus import AudioSampler
from bark.training.distance import MelDistance
from bark.training.loop import Batch


@dataclass(frozen=True)
class CodecTaskConfig:
    """What a codec run draws and how it weighs its losses.

    Attributes:
        crop_seconds, batch: size of a batch.
        scales: FFT sizes of the mel loss, each with a quarter as hop.
        n_mels: at the largest scale; smaller ones have proportionally fewer, at least 20.
    """

    crop_seconds: float = 1.0
    batch: int = 24
    scales: tuple[int, ...] = (256, 512, 1024, 2048)
    n_mels: int = 160
    commitment: float = 0.25
    validation_clips: int = 32


class CodecTask(nn.Module):
    """Audio in, audio out, through a random number of codebooks.

    Half of the rows use all codebooks; of the rest, half use two and half any number, so that the coarse
    codebooks are intelligible alone (quantiser dropout, Kumar et al. 2023).
    """

    def __init__(self, codec: PupCodec, sampler: AudioSampler, held_out: AudioSampler, config: CodecTaskConfig) -> None:
        super().__init__()
        self.codec, self._config = codec, config
        self.quantizer = TrainableRVQ(codec.quantizer)
        self._sampler, self._held_out = sampler, held_out
        rate = codec.sample_rate
        self._samples = round(config.crop_seconds * rate / codec.config.hop) * codec.config.hop
        self.distance = MelDistance(rate, config.scales, config.n_mels)

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops at random levels: audio [B, N], and each row's number of codebooks [B]."""
        audio = self._sampler.crops(rng, self._config.batch, self._samples)
        gain = 10 ** (rng.uniform(-12, 3, (len(audio), 1)) / 20)
        audio = np.clip(audio * gain, -1, 1).astype(np.float32)
        every = self.codec.n_codebooks
        kind = rng.random(len(audio))
        some = rng.integers(1, every + 1, len(audio))
        books = np.where(kind < 0.5, every, np.where(kind < 0.75, 2, some))
        books[0] = every  # so that every codebook has members in every batch
        return {"audio": torch.from_numpy(audio), "books": torch.from_numpy(books)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        latent = self.codec.latent(batch["audio"])
        quantized, _, commitment = self.quantizer(latent, batch["books"])
        audio = self.codec.synthesize(quantized)
        mel, spectral = self.distance(audio, batch["audio"])
        return {
            "loss": mel + spectral + self._config.commitment * commitment,
            "mel": mel,
            "spectral": spectral,
            "commitment": commitment,
        }

    def validate(self) -> dict[str, float]:
        """Mel distance with all and with two codebooks, and how evenly each codebook is used."""
        if not self._held_out:
            return {}
        rng = np.random.default_rng(0)
        audio = torch.from_numpy(self._held_out.crops(rng, self._config.validation_clips, 3 * self._samples))
        audio = audio.to(next(self.parameters()).device)
        codes = self.codec.encode(audio)
        figures = {
            f"mel_{k}": float(self.distance(self.codec.decode(codes[:, :k]), audio)[0])
            for k in (2, self.codec.n_codebooks)
        }
        for k in (0, 1, self.codec.n_codebooks - 1):
            figures[f"perplexity_{k}"] = perplexity(codes[:, k], self.codec.codebook_size)
        return figures

    def export(self, path: Path) -> None:
        """Writes `codec.safetensors`."""
        save_tensors(self.codec.state_dict(), path / "codec.safetensors")


class CodebookFollower(nn.Module):
    """Moves a codebook's entries towards the running mean of their members.

    Entries that nearly lost all members take a random point, so that none stays unused.
    """

    counts: Tensor
    sums: Tensor

    def __init__(self, book: Codebook, decay: float = 0.97, revive_below: float = 0.05) -> None:
        super().__init__()
        self._decay, self._revive_below = decay, revive_below
        self.register_buffer("counts", torch.zeros(len(book.entries)))  # until it sees the book that it begins with
        self.register_buffer("sums", torch.zeros_like(book.entries))

    @torch.no_grad()
    def follow(self, book: Codebook, points: Tensor, codes: Tensor) -> None:
        """Takes in one batch: points [N, D] of the unit sphere and their entries' indices [N]."""
        points, size = points.float(), len(self.counts)
        if not self.counts.any():
            self.counts.fill_(1.0)
            self.sums.copy_(book.entries)
        counts = torch.bincount(codes, minlength=size).float()
        sums = torch.zeros_like(self.sums).index_add_(0, codes, points)
        _sum_over_ranks(counts, sums)
        share = size / counts.sum()
        self.counts.lerp_(counts * share, 1 - self._decay)
        self.sums.lerp_(sums * share, 1 - self._decay)
        dead = self.counts < self._revive_below
        fresh = points[torch.randint(len(points), (size,)).to(points.device)]  # the CPU's state is what is saved
        _first_rank_decides(fresh)
        self.sums.copy_(torch.where(dead[:, None], fresh, self.sums))
        self.counts.masked_fill_(dead, 1.0)
        book.entries.copy_(F.normalize(self.sums, dim=-1))


class TrainableRVQ(nn.Module):
    """A residual VQ in training: straight-through, with a number of codebooks for each row."""

    def __init__(self, quantizer: ResidualVQ) -> None:
        super().__init__()
        self.quantizer = quantizer
        self.followers = nn.ModuleList(CodebookFollower(_codebook(book)) for book in quantizer.books)

    def forward(self, latent: Tensor, books: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantises.

        Args:
            latent: [B, T, C].
            books: codebooks used by each row, [B].

        Returns:
            The quantised latent [B, T, C], the entries of the books that are used side by side, zeros for others,
            [B, T, n_codebooks * D], and the mean squared distance of projections to their entries.
        """
        residual, total, chosen, distances = latent, torch.zeros_like(latent), [], []
        for k, (book, follower) in enumerate(zip(self.quantizer.books, self.followers, strict=True)):
            used = books > k
            points, entries, codes = self._nearest(_codebook(book), residual)
            if self.training:
                assert isinstance(follower, CodebookFollower)
                follower.follow(_codebook(book), points.detach()[used].flatten(0, 1), codes[used].flatten())
            mask = used[:, None, None]
            chosen.append(entries * mask)
            distances.append(((points - entries).square().sum(-1, keepdim=True) * mask).sum() / mask.sum())
            step = _codebook(book).up(points + (entries - points).detach())
            total = total + step * mask
            residual = residual - step
        return total, torch.cat(chosen, -1), torch.stack(distances).mean() / latent.shape[1]

    @staticmethod
    def _nearest(book: Codebook, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points = book.project(x)
        codes = (points.detach() @ book.entries.T).argmax(-1)
        return points, F.embedding(codes, book.entries), codes


def perplexity(codes: Tensor, size: int) -> float:
    """Exponential of the entropy of the codes: `size` when all entries are used alike."""
    shares = torch.bincount(codes.flatten(), minlength=size).float() / codes.numel()
    return float(torch.exp(-(shares * shares.clamp(min=1e-9).log()).sum()))


def _codebook(module: nn.Module) -> Codebook:
    assert isinstance(module, Codebook)
    return module


def _sum_over_ranks(*tensors: Tensor) -> None:
    if torch.distributed.is_initialized():
        for tensor in tensors:
            torch.distributed.all_reduce(tensor)


def _first_rank_decides(tensor: Tensor) -> None:
    if torch.distributed.is_initialized():
        torch.distributed.broadcast(tensor, 0)
