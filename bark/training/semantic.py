"""Training of the semantic model: text and a voice's last tokens in, semantic tokens out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.models.config import GPTConfig, SemanticLayout
from bark.models.gpt import GPT
from bark.models.layers import Block
from bark.text.tokenizer import TextTokenizer
from bark.tokens import IntArray, TokenSpace
from bark.training.loop import Batch
from bark.training.subwords import Subwords, piece_of_character
from bark.training.tokenized import TokenClip
from bark.training.voices import ClipPool

IGNORED = -100


@dataclass(frozen=True)
class SemanticTaskConfig:
    """What a semantic run draws and how it weighs its losses.

    Attributes:
        batch_tokens: positions of a batch, about.
        prompted: share of the rows that have a voice's history before them.
        text_dropout: BPE-dropout of the text.
        alignment_heads: (layer, head) pairs that are told which text token is being spoken.
        alignment_weight: of that loss at the start; it falls to a tenth by `alignment_steps`.
        eos_weight: of the end among the other tokens.
    """

    batch_tokens: int = 6000
    prompted: float = 0.6
    text_dropout: float = 0.1
    alignment_heads: tuple[tuple[int, int], ...] = ((1, 0), (3, 0))
    alignment_weight: float = 0.5
    alignment_steps: int = 2000
    eos_weight: float = 4.0
    validation_clips: int = 128


class SemanticTask(nn.Module):
    """The prompt is laid out as `bark.engine.semantic` does it; see `SemanticLayout`."""

    step: Tensor

    def __init__(
        self,
        shape: GPTConfig,
        tokens: TokenSpace,
        layout: SemanticLayout,
        text: TextTokenizer,
        clips: list[TokenClip],
        weights: list[float],
        config: SemanticTaskConfig,
    ) -> None:
        super().__init__()
        self.model = GPT(shape)
        self.model.reset_parameters()
        self.register_buffer("step", torch.zeros((), dtype=torch.long))
        self._tokens, self._layout, self._config = tokens, layout, config
        self._text = Subwords(text, config.text_dropout)
        self._pieces = {clip.text: self._text.whole(clip.text) for clip in clips}
        train = [(c, w) for c, w in zip(clips, weights, strict=True) if self._fits(c) and not c.held_out]
        self._pool = ClipPool(
            [c for c, _ in train], [w for _, w in train], lambda c: len(c.semantic) + len(c.text) // 2
        )
        held_out = [clip for clip in clips if self._fits(clip) and clip.held_out]
        self._held_out = held_out[:: max(1, len(held_out) // config.validation_clips)]

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """A batch of similar lengths."""
        clips = self._pool.alike(rng, self._config.batch_tokens)
        rows = [self._row(c, self._history(c, rng), self._text.dropped(self._pieces[c.text], rng)) for c in clips]
        return self._collate(rows)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        logits, weights = self._run(batch)
        losses = self._losses(logits, weights, batch)
        if self.training:
            self.step += 1
        fade = 1 - 0.9 * (self.step / self._config.alignment_steps).clamp(max=1)
        total = losses["nll"] + self._config.alignment_weight * fade * losses["alignment"]
        return {"loss": total, **losses}

    def validate(self) -> dict[str, float]:
        """Losses on clips kept back, without and with a voice."""
        figures = {}
        for name, share in (("", 0.0), ("prompted_", 1.0)):
            rng = np.random.default_rng(0)
            rows = [self._row(c, self._history(c, rng, share), self._pieces[c.text]) for c in self._held_out]
            batch = {k: v.to(self.step.device) for k, v in self._collate(rows).items()}
            logits, weights = self._run(batch)
            figures |= {name + k: float(v) for k, v in self._losses(logits, weights, batch).items()}
        return figures

    def export(self, path: Path) -> None:
        """Writes `semantic.safetensors`."""
        save_tensors(self.model.state_dict(), path / "semantic.safetensors")

    def _fits(self, clip: TokenClip) -> bool:
        """Whether text and speech fit the layout, with room for smaller pieces of text."""
        room = min(self._layout.max_steps, self.model.config.block_size - self._layout.prompt_length)
        return len(self._pieces[clip.text]) * 1.2 < self._layout.text_length and len(clip.semantic) < room

    def _history(self, clip: TokenClip, rng: np.random.Generator, share: float | None = None) -> IntArray:
        if rng.random() >= (self._config.prompted if share is None else share):
            return np.zeros(0, np.int64)
        length = self._layout.history_length
        if share is None:
            length = int(rng.integers(min(16, length), length + 1))
        return self._pool.same_voice(rng, clip.voice).semantic[-length:]

    def _row(self, clip: TokenClip, history: IntArray, pieces: IntArray) -> dict[str, IntArray]:
        tokens, layout = self._tokens, self._layout
        pieces = pieces[: layout.text_length]
        ids = pieces[:, 0]
        prompt = layout.prompt_length if layout.pad_prompt else max(len(ids), len(history))
        first = np.full(prompt, tokens.text_pad)
        first[: len(ids)] = ids + tokens.text_offset
        second = np.full(prompt, tokens.semantic_pad)
        second[: len(history)] = history
        said = len(clip.semantic)
        return {
            "tokens": np.concatenate([first, [tokens.semantic_infer], clip.semantic]),
            "history": np.concatenate([second, np.full(said + 1, -1)]),
            "positions": np.concatenate([np.arange(prompt), layout.prompt_length + np.arange(said + 1)]),
            "targets": np.concatenate([np.full(prompt, IGNORED), clip.semantic, [tokens.semantic_eos]]),
            "spoken": np.concatenate([np.full(prompt, -1), piece_of_character(pieces, clip.characters), [-1]]),
        }

    @staticmethod
    def _collate(rows: list[dict[str, IntArray]]) -> Batch:
        fill = {"tokens": 0, "history": -1, "positions": 0, "targets": IGNORED, "spoken": -1}
        length = max(len(row["tokens"]) for row in rows)
        batch = {}
        for name, value in fill.items():
            column = np.full((len(rows), length), value, np.int64)
            for out, row in zip(column, rows, strict=True):
                out[: len(row[name])] = row[name]
            batch[name] = torch.from_numpy(column)
        return batch

    def _run(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Logits [B, T, semantic_vocab + 1] and the weights [B, T, T] of the alignment heads."""
        has_history = batch["history"] >= 0
        embedded = self.model.embed(batch["tokens"])
        embedded = embedded + self.model.embed(batch["history"].clamp(min=0)) * has_history[..., None]
        weights: list[Tensor] = []
        hooks = [self._tap(layer, head, weights) for layer, head in self._config.alignment_heads]
        hidden = self.model(embedded, batch["positions"])
        for hook in hooks:
            hook.remove()
        return self.model.logits(hidden, slice(0, self._tokens.semantic_eos + 1)), weights

    def _tap(self, layer: int, head: int, weights: list[Tensor]) -> torch.utils.hooks.RemovableHandle:
        block = self.model.h[layer]
        assert isinstance(block, Block)
        attention = block.attn
        return attention.register_forward_pre_hook(lambda _, inputs: weights.append(attention.weights(inputs[0], head)))

    def _losses(self, logits: Tensor, weights: list[Tensor], batch: Batch) -> dict[str, Tensor]:
        targets = batch["targets"]
        each = F.cross_entropy(logits.float().transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
        counted = targets != IGNORED
        ends = targets == self._tokens.semantic_eos
        weight = counted + (self._config.eos_weight - 1) * ends
        inner = counted & ~ends
        return {
            "nll": (each * weight).sum() / weight.sum(),
            "eos": each[ends].mean(),
            "accuracy": (logits.argmax(-1) == targets)[inner].float().mean(),
            "alignment": alignment_loss(weights, batch["spoken"]),
        }


def alignment_loss(weights: list[Tensor], spoken: Tensor) -> Tensor:
    """How little attention goes to the text token that is spoken, or to its neighbours.

    Args:
        weights: attention [B, T, T] of some heads.
        spoken: column that each row should look at, −1 where unknown, [B, T].
    """
    known = spoken >= 0
    if not weights or not bool(known.any()):
        return spoken.new_zeros((), dtype=torch.float32)
    columns = torch.arange(spoken.shape[1], device=spoken.device)
    near = (columns - spoken[..., None]).abs() <= 1
    mass = [(w * near).sum(-1)[known] for w in weights]
    return -torch.stack(mass).clamp(min=1e-4).log().mean()
