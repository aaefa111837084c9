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
from bark.training.voices import ClipPool, split

IGNORED = -100


@dataclass(frozen=True)
class FineTaskConfig:
    """What a fine run draws.

    Attributes:
        batch: windows of a batch, of a length between a quarter of the layout's window and all of it.
        continued: share of the windows whose first frames are known in all codebooks, as after another window.
    """

    batch: int = 16
    continued: float = 0.6
    validation_windows: int = 32


class FineTask(nn.Module):
    """Windows of codes as `bark.engine.fine` lays them out; each step learns one codebook, drawn at random."""

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
        self._pool, self._held_out = split(clips, weights, lambda clip: len(clip.semantic))

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random windows with the codebooks up to the one to learn, and of each the frames known beforehand."""
        codebook = int(rng.integers(self._tokens.n_coarse, self._tokens.n_codebooks))
        length = int(rng.integers(self._layout.window // 4, self._layout.window + 1))
        codes = self._windows(self._pool, self._config.batch, length, rng)
        continued = rng.random(len(codes)) < self._config.continued
        known = rng.integers(0, self._most_known(length) + 1, len(codes)) * continued
        return {"codes": codes[..., : codebook + 1].contiguous(), "known": torch.from_numpy(known)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Mean cross-entropy of the last codebook given, over the frames that are to be written."""
        logits, targets = self.logits(batch)
        return {"loss": F.cross_entropy(logits.float().transpose(1, 2), targets, ignore_index=IGNORED)}

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the model says of the last codebook given, and what is right.

        Args:
            batch: "codes" [B, T, K] of the first K codebooks, `fine_pad` in all after the end of the audio, and
                "known" [B], how many frames at the beginning of each row are known in all codebooks. The model sees
                `fine_pad` where the last codebook is not known, as in the engine.

        Returns:
            Logits [B, T, codebook_size] and targets [B, T], ignored where there is nothing to write.
        """
        codes, pad = batch["codes"], self._tokens.fine_pad
        given = torch.arange(codes.shape[1], device=codes.device) < batch["known"][:, None]
        right = codes[..., -1]
        seen = torch.cat([codes[..., :-1], torch.where(given, right, pad)[..., None]], -1)
        logits = self.model(codes.shape[2] - 1, seen, slice(0, self._tokens.codebook_size))
        return logits, right.masked_fill(given | (right == pad), IGNORED)

    def validate(self) -> dict[str, float]:
        """Cross-entropy of every codebook on clips kept back, nothing known beforehand."""
        if not self._held_out:
            return {}
        rng = np.random.default_rng(0)
        codes = self._windows(self._held_out, self._config.validation_windows, self._layout.window, rng)
        codes = codes.to(self.model.device)
        known = codes.new_zeros(len(codes))
        books = range(self._tokens.n_coarse, self._tokens.n_codebooks)
        figures = {f"book_{k}": float(self({"codes": codes[..., : k + 1], "known": known})["loss"]) for k in books}
        return {"loss": sum(figures.values()) / len(figures), **figures}

    def export(self, path: Path) -> None:
        """Writes `fine.safetensors`."""
        save_tensors(self.model.state_dict(), path / "fine.safetensors")

    def _most_known(self, length: int) -> int:
        """Frames of a window that have all codebooks when it begins, at most; see `bark.engine.fine`."""
        if self._layout.pad_window:  # Suno's windows read again what the one before them guessed
            return length - 1
        beside = (self._layout.window - self._layout.hop) // 2
        return min(self._layout.window - beside, length) - 1

    def _windows(self, pool: ClipPool, count: int, length: int, rng: np.random.Generator) -> Tensor:
        """[count, length, n_codebooks]; where the layout pads, [count, window, n_codebooks]."""
        codes = np.stack([self._window(pool, length, rng) for _ in range(count)])
        missing = self._layout.window - length if self._layout.pad_window else 0
        return torch.from_numpy(np.pad(codes, ((0, 0), (0, missing), (0, 0)), constant_values=self._tokens.fine_pad))

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
