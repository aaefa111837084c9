"""Training of the semantic model: text and a voice's last tokens in, semantic tokens out."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import mul
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.models.config import GPTConfig, SemanticLayout
from bark.models.gpt import GPT
from bark.text.tokenizer import TextTokenizer
from bark.tokens import IntArray, TokenSpace
from bark.training.attention import alignment_loss, mean_loss, present, run_trunk
from bark.training.corruption import Corruption, corrupt
from bark.training.loop import Batch
from bark.training.subwords import Subwords, piece_of_character
from bark.training.tokenized import TokenClip
from bark.training.voices import kind_of_teacher, split

IGNORED = -100
VALIDATION_ROWS = 16  # at once


@dataclass(frozen=True)
class SemanticTaskConfig:
    """What a semantic run draws and how it weighs its losses.

    Attributes:
        batch_tokens: positions of a batch, about.
        prompted: share of the rows that have a voice's history before them.
        mixed: share of these whose history is of any voice, so that nobody's language is taken for the text's.
        tagged: share of the others whose text has [MAN] or [WOMAN] before it, where the voice's name tells; see
            `bark.training.voices.kind_of_teacher`.
        text_dropout: BPE-dropout of the text.
        alignment_heads: (layer, head) pairs that are told which text token is being spoken.
        alignment_weight: of that loss at the start; it falls to a tenth by `alignment_steps`.
        eos_weight: of the end among the other tokens.
        corruption: of the semantic tokens that are read after the prompt; what is to be written stays true.
    """

    batch_tokens: int = 6000
    prompted: float = 0.6
    mixed: float = 0.0
    tagged: float = 0.0
    text_dropout: float = 0.1
    alignment_heads: tuple[tuple[int, int], ...] = ((1, 0), (3, 0))
    alignment_weight: float = 0.5
    alignment_steps: int = 2000
    eos_weight: float = 4.0
    corruption: Corruption = field(default_factory=Corruption)
    validation_clips: int = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "alignment_heads", tuple((layer, head) for layer, head in self.alignment_heads))


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
        self._heads = present(self.model, config.alignment_heads)
        self._text = Subwords(text, config.text_dropout)
        self._pieces = {clip.text: self._text.whole(clip.text) for clip in clips}
        kinds = {voice: kind_of_teacher(voice) for voice in {clip.voice for clip in clips} if config.tagged}
        self._kinds = {voice: kind for voice, kind in kinds.items() if kind}
        pairs = {(kind, clip.text) for clip in clips if (kind := self._kinds.get(clip.voice))}
        self._tagged = {pair: self._with_tag(*pair) for pair in pairs}
        fitting = [(clip, weight) for clip, weight in zip(clips, weights, strict=True) if self._fits(clip)]
        fits, shares = [clip for clip, _ in fitting], [weight for _, weight in fitting]
        self._pool, _ = split(fits, shares, lambda clip: len(clip.semantic) + len(clip.text) // 2)
        held_out = [clip for clip in fits if clip.held_out and clip.voice in self._pool]
        count = min(len(held_out), config.validation_clips)
        self._held_out = [held_out[i * len(held_out) // count] for i in range(count)]  # some of each set

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """A batch of similar lengths."""
        clips = self._pool.alike(rng, self._config.batch_tokens)
        rows = []
        for clip in clips:
            history = self._history(clip, rng)
            pieces = self._text.dropped(self._pieces_of(clip, not len(history), rng), rng)
            rows.append(self._row(clip, history, pieces))
        for row, clip in zip(rows, clips, strict=True):
            said = len(row["tokens"]) - len(clip.semantic)
            row["tokens"][said:] = corrupt(clip.semantic[:, None], self._config.corruption, rng)[:, 0]
        return self._collate(rows)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        losses = self._losses(batch)
        if self.training:
            self.step += 1
        fade = 1 - 0.9 * (self.step / max(1, self._config.alignment_steps)).clamp(max=1)
        total = losses["nll"] + self._config.alignment_weight * fade * losses["alignment"]
        return {"loss": total, **losses}

    def logits(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """What the model says of each next token, and where its alignment heads look.

        Args:
            batch: as `draw` gives it, [B, T] each: "tokens", "history" to be added to them (−1 where there is none)
                and "positions".

        Returns:
            Logits [B, T, semantic_eos + 1], and the heads' weights [B, T, T].
        """
        hidden, weights = self._read(batch)
        return self._logits(hidden), weights

    def validate(self) -> dict[str, float]:
        """Losses on clips kept back, without and with a voice."""
        figures: dict[str, float] = {}
        for name, share in (("", 0.0), ("prompted_", 1.0)) if self._held_out else ():
            rng = np.random.default_rng(0)
            rows = [self._row(c, self._history(c, rng, share), self._pieces[c.text]) for c in self._held_out]
            parts = [rows[start : start + VALIDATION_ROWS] for start in range(0, len(rows), VALIDATION_ROWS)]
            found = [self._figures(self._collate(part)) for part in parts]
            shares = [len(part) / len(rows) for part in parts]
            figures |= {name + k: sum(map(mul, shares, (each[k] for each in found))) for k in found[0]}
        return figures

    def export(self, path: Path) -> None:
        """Writes `semantic.safetensors`."""
        save_tensors(self.model.state_dict(), path / "semantic.safetensors")

    def _figures(self, batch: Batch) -> dict[str, float]:
        batch = {name: value.to(self.step.device) for name, value in batch.items()}
        return {name: float(value) for name, value in self._losses(batch).items()}

    def _fits(self, clip: TokenClip) -> bool:
        """Whether text and speech fit the layout, with room for smaller pieces of text."""
        room = min(self._layout.max_steps, self.model.config.block_size - self._layout.prompt_length)
        tagged = self._tagged.get((self._kinds.get(clip.voice, ""), clip.text), ())
        pieces = max(len(self._pieces[clip.text]), len(tagged))
        return pieces * 1.2 < self._layout.text_length and len(clip.semantic) < room

    def _with_tag(self, kind: str, text: str) -> IntArray:
        """Pieces of a text after a tag, whose characters are before the first, [N, 3]."""
        tag = f"[{kind}] "
        pieces = self._text.whole(tag + text)
        pieces[:, 1:] -= len(tag)
        return pieces

    def _pieces_of(self, clip: TokenClip, unprompted: bool, rng: np.random.Generator) -> IntArray:
        tell = unprompted and clip.voice in self._kinds and rng.random() < self._config.tagged
        return self._tagged[self._kinds[clip.voice], clip.text] if tell else self._pieces[clip.text]

    def _history(self, clip: TokenClip, rng: np.random.Generator, share: float | None = None) -> IntArray:
        if rng.random() >= (self._config.prompted if share is None else share):
            return np.zeros(0, np.int64)
        length = self._layout.history_length
        if share is None:
            length = int(rng.integers(min(16, length), length + 1))
        anybody = share is None and self._config.mixed > 0 and rng.random() < self._config.mixed
        before = self._pool.one(rng) if anybody else self._pool.another(rng, clip)
        return before.semantic[-length:] if before is not None else np.zeros(0, np.int64)

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

    def _read(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """What the head gets, [B, T, C], and the alignment heads' weights."""
        history = batch["history"]
        embedded = self.model.embed(batch["tokens"])
        embedded = embedded + self.model.embed(history.clamp(min=0)) * (history >= 0)[..., None]
        return run_trunk(self.model, embedded, batch["positions"], self._heads)

    def _logits(self, hidden: Tensor) -> Tensor:
        return self.model.logits(hidden, slice(0, self._tokens.semantic_eos + 1))

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        """Logits only where something is to be said: with a large vocabulary they cost more than all layers."""
        hidden, weights = self._read(batch)
        said = batch["targets"] != IGNORED
        targets, logits = batch["targets"][said], self._logits(hidden[said]).float()
        each = F.cross_entropy(logits, targets, reduction="none")
        ends = targets == self._tokens.semantic_eos
        right = logits.gather(1, targets[:, None])[:, 0] == logits.amax(1)  # on CPUs argmax takes ten times as long
        return {
            "nll": _mean(each, ~ends + self._config.eos_weight * ends),
            "eos": _mean(each, ends),
            "accuracy": _mean(right.float(), ~ends),
            "alignment": mean_loss([alignment_loss(w, batch["spoken"], reach=1) for w in weights]),
        }


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean; 0 where nothing has weight."""
    return (values * weights).sum() / weights.sum().clamp(min=1)
