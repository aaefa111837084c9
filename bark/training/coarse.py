"""Training of the coarse model: windows of semantic tokens in, their codes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.models.config import CoarseLayout, GPTConfig
from bark.models.gpt import GPT
from bark.tokens import IntArray, TokenSpace
from bark.training.attention import alignment_loss, mean_loss, present, run_trunk, sinusoids
from bark.training.corruption import Corruption, corrupt
from bark.training.loop import Batch
from bark.training.tokenized import TokenClip
from bark.training.voices import ClipPool, split


@dataclass(frozen=True)
class CoarseTaskConfig:
    """What a coarse run draws.

    Attributes:
        batch: windows of a batch.
        from_start: share of the windows that begin where a clip begins, as without a voice.
        alignment_heads: (layer, head, ahead): heads that are told to look at the semantic token of the frame
            that is being written, or at one so many ahead of it. Without them a small model writes plausible
            sound for long before it finds out that the semantic tokens matter.
        alignment_weight: of that loss at the start; it falls to a tenth by `alignment_steps`.
        corruption: of the coarse tokens that are read; what is to be written stays true.
        own: share of the rows that read, from some frame on, what the model itself would have written there.
        own_passes: how often it writes them, all at once, each time having read what it wrote before; the first has
            read the truth. The more, the more its mistakes are those that follow from mistakes.
        own_temperature: of these draws.
    """

    batch: int = 12
    from_start: float = 0.3
    alignment_heads: tuple[tuple[int, int, int], ...] = ((0, 0, 0), (1, 0, 0), (1, 1, 1), (2, 0, 0))
    alignment_weight: float = 0.5
    alignment_steps: int = 1000
    corruption: Corruption = field(default_factory=Corruption)
    own: float = 0.0
    own_passes: int = 2
    own_temperature: float = 0.7
    validation_windows: int = 48


class CoarseTask(nn.Module):
    """Windows as `bark.engine.coarse` lays them out: the first coarse token is of the first semantic token."""

    step: Tensor

    def __init__(
        self,
        shape: GPTConfig,
        tokens: TokenSpace,
        layout: CoarseLayout,
        clips: list[TokenClip],
        weights: list[float],
        config: CoarseTaskConfig,
    ) -> None:
        super().__init__()
        self.model = GPT(shape)
        self.model.reset_parameters()
        self.register_buffer("step", torch.zeros((), dtype=torch.long))
        self._tokens, self._layout, self._config = tokens, layout, config
        self._heads = present(self.model, config.alignment_heads)
        self._align_positions()
        self._pool, self._held_out = split(clips, weights, lambda clip: len(clip.semantic))

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random windows."""
        batch = self._batch(self._pool, self._config.batch, rng)
        if self._config.corruption.rows:
            batch["read"] = torch.from_numpy(np.stack([self._corrupted(row, rng) for row in batch["coarse"].numpy()]))
        return batch

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of each codebook, and how far alignment heads look astray."""
        if self.training and self._config.own:
            batch = {**batch, "read": self.read_own(batch)}
        losses = {}
        all_logits, weights = self._run(batch, self._heads)
        for book, logits in enumerate(all_logits):
            targets = self._targets(batch, book)
            targets = torch.where(targets < 0, targets, targets - self._tokens.coarse_rows(book).start)
            losses[f"book_{book}"] = F.cross_entropy(logits.float().transpose(1, 2), targets, ignore_index=-1)
        nll, alignment = torch.stack(list(losses.values())).mean(), self._alignment(weights, batch)
        fade = 1 - 0.9 * (self.step / max(1, self._config.alignment_steps)).clamp(max=1)
        if self.training:
            self.step += 1
        total = nll + self._config.alignment_weight * fade * alignment
        return {"loss": total, "nll": nll, **losses, "alignment": alignment}

    def logits(self, batch: Batch) -> list[Tensor]:
        """What the model says of each coarse token, having read those before it.

        Args:
            batch: "semantic" [B, semantic_window] and "coarse" [B, T], −1 after the end; "read" [B, T], where
                something else is read than "coarse".

        Returns:
            For each codebook, logits [B, T / n_coarse, codebook_size].
        """
        return self._run(batch, ())[0]

    def _run(self, batch: Batch, heads: Sequence[tuple[int, ...]]) -> tuple[list[Tensor], list[Tensor]]:
        """`logits`, and the attention weights [B, T, T] of some heads."""
        tokens = self._tokens
        infer = torch.full_like(batch["semantic"][:, :1], tokens.coarse_infer)
        read = batch.get("read", batch["coarse"])
        inputs = torch.cat([batch["semantic"], infer, read[:, :-1].clamp(min=0)], 1)
        positions = torch.arange(inputs.shape[1], device=inputs.device)
        hidden, weights = run_trunk(self.model, self.model.embed(inputs), positions, heads)
        hidden = hidden[:, self._layout.semantic_window :]
        books = range(tokens.n_coarse)
        logits = [self.model.logits(hidden[:, k :: tokens.n_coarse], tokens.coarse_rows(k)) for k in books]
        return logits, weights

    @torch.no_grad()
    def read_own(self, batch: Batch) -> Tensor:
        """What rows read [B, T], where some read what the model would have written.

        Scheduled sampling (Bengio et al. 2015) for all frames at once (Mihaylova & Martins 2019, "Scheduled Sampling
        for Transformers"): semantic tokens tell when what is said, so the truth stays what is to come next.

        Args:
            batch: as `draw` gives it.
        """
        coarse, config = batch["coarse"], self._config
        read, n = batch.get("read", coarse), self._tokens.n_coarse
        rows = (torch.rand(len(coarse), device=coarse.device) < config.own).nonzero()[:, 0]
        if not len(rows):
            return read
        semantic, true = batch["semantic"][rows], coarse[rows]
        frames = torch.arange(true.shape[1], device=coarse.device) // n
        begin = torch.rand(len(rows), 1, device=coarse.device) * (frames[-1] + 1)
        replaced = (frames >= begin) & (true >= 0)
        said = true
        for _ in range(config.own_passes):
            logits = self.logits({"semantic": semantic, "coarse": true, "read": said})
            drawn = [_draw(each, config.own_temperature) for each in logits]
            drawn = [each + self._tokens.coarse_rows(book).start for book, each in enumerate(drawn)]
            said = torch.where(replaced, torch.stack(drawn, -1).flatten(1), true)
        return read.index_copy(0, rows, said)

    def _targets(self, batch: Batch, book: int) -> Tensor:
        """What one codebook should say [B, frames], −1 where nothing.

        A frame's later codes refine its earlier ones: where one of those was read wrong, nobody can say what follows.
        """
        coarse, n = batch["coarse"], self._tokens.n_coarse
        targets = coarse[:, book::n]
        if "read" in batch:
            for earlier in range(book):
                targets = torch.where(batch["read"][:, earlier::n] == coarse[:, earlier::n], targets, -1)
        return targets

    def _alignment(self, weights: list[Tensor], batch: Batch) -> Tensor:
        """The row that writes coarse token n should look at semantic token n / ratio, or a few further on."""
        window, coarse = self._layout.semantic_window, batch["coarse"]
        semantic = self._semantic_of(torch.arange(coarse.shape[1], device=coarse.device))
        losses = []
        for (_, _, ahead), weight in zip(self._heads, weights, strict=True):
            there = (coarse >= 0) & (semantic + ahead < window)
            columns = torch.where(there, semantic + ahead, -1)
            losses.append(alignment_loss(weight[:, window:], columns, reach=0))
        return mean_loss(losses)

    def _semantic_of(self, steps: Tensor) -> Tensor:
        """The place in the window of the semantic token that each coarse token belongs to."""
        return torch.floor(steps / self._tokens.coarse_per_semantic).long()

    @torch.no_grad()
    def _align_positions(self) -> None:
        """Gives a coarse token's position and its semantic token's the same sinusoid, so that heads find it soon."""
        table, window = self.model.wpe.weight, self._layout.semantic_window
        steps = torch.arange(min(len(table) - window, self._layout.span))
        places = torch.cat([torch.arange(window), self._semantic_of(steps)])
        table[: len(places)] += 0.05 * sinusoids(places, table.shape[1])

    def validate(self) -> dict[str, float]:
        """Losses on clips kept back."""
        if not self._held_out:
            return {}
        batch = self._batch(self._held_out, self._config.validation_windows, np.random.default_rng(0))
        device = next(self.parameters()).device
        return {k: float(v) for k, v in self.forward({k: v.to(device) for k, v in batch.items()}).items()}

    def export(self, path: Path) -> None:
        """Writes `coarse.safetensors`."""
        save_tensors(self.model.state_dict(), path / "coarse.safetensors")

    def _batch(self, pool: ClipPool, count: int, rng: np.random.Generator) -> Batch:
        windows = [self._window(pool, rng) for _ in range(count)]
        return {
            "semantic": torch.from_numpy(np.stack([semantic for semantic, _ in windows])),
            "coarse": torch.from_numpy(np.stack([coarse for _, coarse in windows])),
        }

    def _window(self, pool: ClipPool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Semantic tokens [semantic_window], padded, and coarse tokens [span], −1 after the end."""
        layout, ratio = self._layout, self._tokens.coarse_per_semantic
        semantic, coarse = join(pool, rng, -(-layout.span // int(ratio)), self._flat)
        if rng.random() < self._config.from_start:
            start = 0
        else:
            start = int(rng.integers(0, max(1, len(semantic) - int(layout.stride_of(0) / ratio))))
        seen = semantic[start : start + layout.semantic_window]
        first = int(start * ratio / self._tokens.n_coarse) * self._tokens.n_coarse  # of a whole frame
        written = coarse[first:][: layout.span]
        return (
            np.pad(seen, (0, layout.semantic_window - len(seen)), constant_values=self._tokens.coarse_semantic_pad),
            np.pad(written, (0, layout.span - len(written)), constant_values=-1),
        )

    def _corrupted(self, coarse: IntArray, rng: np.random.Generator) -> IntArray:
        said = coarse[coarse >= 0].reshape(-1, self._tokens.n_coarse)
        return np.pad(
            corrupt(said, self._config.corruption, rng).ravel(), (0, len(coarse) - said.size), constant_values=-1
        )

    def _flat(self, codes: np.ndarray) -> np.ndarray:
        return self._tokens.flatten_coarse(codes[: self._tokens.n_coarse])


def _draw(logits: Tensor, temperature: float) -> Tensor:
    """A number for each row of logits [..., V]: the largest weight, when each is divided by an exponential draw."""
    weights = (logits.float() / temperature).softmax(-1)
    return (weights / torch.empty_like(weights).exponential_()).argmax(-1)


def join(
    pool: ClipPool, rng: np.random.Generator, semantic_length: int, flatten: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Clips of one voice, one after another, until there are enough semantic tokens; and their codes, flattened."""
    first = pool.one(rng)
    clips = [first]
    while sum(len(clip.semantic) for clip in clips) < semantic_length:
        clips.append(pool.same_voice(rng, first.voice))
    codes = [flatten(clip.codes) for clip in clips if clip.codes is not None]
    return np.concatenate([clip.semantic for clip in clips]), np.concatenate(codes)
