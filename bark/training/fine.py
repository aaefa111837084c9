"""Training of the fine model: the codebooks after the coarse ones, each from all before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.models.config import FineGPTConfig, FineLayout
from bark.models.fine import FineGPT
from bark.tokens import TokenSpace
from bark.training.loop import Batch
from bark.training.tokenized import TokenClip
from bark.training.voices import ClipPool


@dataclass(frozen=True)
class FineTaskConfig:
    """What a fine run draws: `batch` windows, of lengths between a quarter of the layout's window and all of it."""

    batch: int = 16
    validation_windows: int = 32


class FineTask(nn.Module):
    """Windows of codes; each step learns one codebook, drawn at random."""

    def __init__(
        self,
        shape: FineGPTConfig,
        tokens: TokenSpace,
        layout: FineLayout,
        clips: list[TokenClip],
        weights: list[float],
        config: FineTaskConfig,
    ) -> None:
        super().__init__()
        self.model = FineGPT(shape)
        self.model.reset_parameters()
        self._tokens, self._layout, self._config = tokens, layout, config
        train = [(c, w) for c, w in zip(clips, weights, strict=True) if not c.held_out]
        self._pool = ClipPool([c for c, _ in train], [w for _, w in train], lambda c: len(c.semantic))
        held_out = [clip for clip in clips if clip.held_out]
        self._held_out = ClipPool(held_out, [1.0] * len(held_out), lambda c: len(c.semantic))

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random windows, and the codebook to learn."""
        codebook = rng.integers(self._tokens.n_coarse, self._tokens.n_codebooks)
        length = int(rng.integers(self._layout.window // 4, self._layout.window + 1))
        return {
            "codes": self._windows(self._pool, self._config.batch, length, rng),
            "codebook": torch.tensor(int(codebook)),
        }

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the batch's codebook."""
        codebook = int(batch["codebook"])
        loss = self._nll(batch["codes"], codebook)
        return {"loss": loss}

    def validate(self) -> dict[str, float]:
        """Cross-entropy of every codebook on clips kept back."""
        rng = np.random.default_rng(0)
        codes = self._windows(self._held_out, self._config.validation_windows, self._layout.window, rng)
        codes = codes.to(next(self.parameters()).device)
        books = range(self._tokens.n_coarse, self._tokens.n_codebooks)
        figures = {f"book_{k}": float(self._nll(codes, k)) for k in books}
        return {"loss": sum(figures.values()) / len(figures), **figures}

    def export(self, path: Path) -> None:
        """Writes `fine.safetensors`."""
        save_tensors(self.model.state_dict(), path / "fine.safetensors")

    def _nll(self, codes: Tensor, codebook: int) -> Tensor:
        logits = self.model(codebook, codes, slice(0, self._tokens.codebook_size)).float()
        return F.cross_entropy(logits.transpose(1, 2), codes[..., codebook])

    def _windows(self, pool: ClipPool, count: int, length: int, rng: np.random.Generator) -> Tensor:
        """[count, length, n_codebooks]."""
        return torch.from_numpy(np.stack([self._window(pool, length, rng) for _ in range(count)]))

    @staticmethod
    def _window(pool: ClipPool, length: int, rng: np.random.Generator) -> np.ndarray:
        first = pool.one(rng)
        assert first.codes is not None
        codes = [first.codes]
        while sum(c.shape[1] for c in codes) < length:
            more = pool.same_voice(rng, first.voice).codes
            assert more is not None
            codes.append(more)
        joined = np.concatenate(codes, 1)
        start = int(rng.integers(0, joined.shape[1] - length + 1))
        return joined[:, start : start + length].T
