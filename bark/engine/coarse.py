"""Semantic tokens to the codes of the first codebooks."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bark.engine.checks import Tokens, check_vocabularies, code_rows, token_row
from bark.engine.prefix import Prefix
from bark.engine.sampling import Sampler
from bark.engine.sequence import Sequence, alone
from bark.engine.writing import NEXT, Ask, Head, Write
from bark.errors import BarkError, CheckpointError, VoiceError
from bark.models.config import GPTConfig, ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.tokens import IntArray


@dataclass(frozen=True)
class CoarseHistory:
    """What a voice has said before.

    Attributes:
        semantic: its semantic tokens [T].
        codes: of the same seconds, [n_coarse, T'].
    """

    semantic: Tokens
    codes: Tokens


@dataclass
class Lookahead:
    """Semantic tokens, taken from their source no earlier than they are asked for."""

    source: Iterator[int]
    tokens: list[int] = field(default_factory=list)
    ended: bool = False

    def reach(self, count: int) -> None:
        """Goes on until there are `count` tokens, or no more."""
        while len(self.tokens) < count and not self.ended:
            token = next(self.source, None)
            if token is None:
                self.ended = True
            else:
                self.tokens.append(token)


class CoarseStage:
    """Says how it sounds: semantic tokens to codes of the first codebooks, interleaved in time.

    Each window reads semantic tokens around the present, the infer token and the last coarse tokens, and writes
    `layout.stride` coarse tokens, the first ones fewer if there is a `first_stride`. What a window shares with the one
    before it stays in the cache.

    Raises:
        CheckpointError: the window or its tokens do not fit the model, or a stride cuts frames apart or is too long.
    """

    def __init__(self, model: GPT, config: ModelConfig) -> None:
        self.model = model
        self.tokens = config.tokens
        self.layout = config.coarse_layout
        self.max_semantic_history = self._semantic_of(self.layout.max_history)
        self._check(model.config)
        rows = [self.tokens.coarse_rows(codebook) for codebook in range(self.tokens.n_coarse)]
        self._heads = tuple(Head((range(each.start, each.stop),), each.start) for each in rows)

    def generate(
        self, semantic: Iterable[int], history: CoarseHistory | None = None, *, options: SamplingOptions, **more: Any
    ) -> Iterator[IntArray]:
        """Codes [n_coarse, t], a window at a time; the arguments are those of `sequence`."""
        return alone(self.model, self.capacity, self.sequence(semantic, history, options=options, **more))

    def sequence(
        self,
        semantic: Iterable[int],
        history: CoarseHistory | None = None,
        *,
        options: SamplingOptions,
        generator: torch.Generator | None = None,
    ) -> Sequence[IntArray]:
        """An utterance that puts out codes [n_coarse, t], a window at a time, in all `frames(len(semantic))` frames.

        Args:
            semantic: tokens, at once or as they come.
            history: of the voice to go on with.
            options: how to sample.
            generator: on the model's device; None for unpredictable draws.

        Raises:
            VoiceError: the history is not of this model's vocabulary.
            BarkError: the semantic tokens aren't; at once for an array, else when such a token comes.
        """
        before, written = self._history(history)
        if isinstance(semantic, (np.ndarray, Tensor)):
            semantic = token_row(semantic, self.tokens.semantic_vocab, "semantic tokens", BarkError).tolist()
        lookahead = Lookahead(map(self._checked, semantic), before)
        sampler = Sampler(options, generator, self.model.device, turns=self.tokens.n_coarse)
        return self._stream(lookahead, written, sampler)

    def frames(self, n_semantic: int) -> int:
        """Frames of so many semantic tokens."""
        return math.floor(n_semantic * self.tokens.coarse_per_semantic / self.tokens.n_coarse)

    def _stream(self, semantic: Lookahead, written: list[int], sampler: Sampler) -> Sequence[IntArray]:
        n_before, step = len(semantic.tokens), 0
        prefix = Prefix()
        for window in count():
            history, stride = self.layout.history_of(window), self.layout.stride_of(window)
            start = self._window_start(n_before, step, history)
            semantic.reach(start + self.layout.semantic_window)
            self._reach_steps(semantic, n_before, step + stride)
            steps = self.frames(len(semantic.tokens) - n_before) * self.tokens.n_coarse
            left = min(stride, steps - step)
            if left <= 0:
                return
            prompt = self._prompt(semantic.tokens[start:], written, history)
            new = yield from self._write(prefix, prompt, left, sampler)
            written += new
            step += left
            yield self.tokens.unflatten_coarse(np.array(new))

    def _reach_steps(self, semantic: Lookahead, n_before: int, steps: int) -> None:
        """Goes on until the semantic tokens are worth so many coarse tokens; most windows have seen enough."""
        while self.frames(len(semantic.tokens) - n_before) * self.tokens.n_coarse < steps and not semantic.ended:
            semantic.reach(len(semantic.tokens) + 1)

    def _window_start(self, n_before: int, step: int, history: int) -> int:
        """The first semantic token that the window at this step, with so much of a history, reads."""
        present = n_before + round(step / self.tokens.coarse_per_semantic)
        return max(0, present - self._semantic_of(history))

    def _prompt(self, semantic: list[int], written: list[int], history: int) -> list[int]:
        window = semantic[: self.layout.semantic_window]
        pads = [self.tokens.coarse_semantic_pad] * (self.layout.semantic_window - len(window))
        return [*window, *pads, self.tokens.coarse_infer, *written[max(0, len(written) - history) :]]

    def _semantic_of(self, coarse: int) -> int:
        """Semantic tokens that are whole in so many coarse ones."""
        return math.floor(coarse / self.tokens.coarse_per_semantic)

    def _write(self, prefix: Prefix, prompt: list[int], count: int, sampler: Sampler) -> Generator[Ask, int, list[int]]:
        """So many new tokens, beginning with codebook 0."""
        same = prefix.start(prompt)
        tokens = torch.tensor(prompt[same:], device=self.model.device)
        positions = torch.arange(same, len(prompt), device=tokens.device)
        embedded = self.model.embed(tokens[None])
        new = [(yield Write(embedded, positions, same, len(prompt), count, self._heads, sampler))]
        for _ in range(1, count):
            prefix.step(new[-1])
            new.append((yield NEXT))
        return new

    def _history(self, history: CoarseHistory | None) -> tuple[list[int], list[int]]:
        """The end of the voice's semantic and coarse tokens, as long as each other."""
        if history is None:
            return [], []
        tokens, ratio = self.tokens, self.tokens.coarse_per_semantic
        semantic = token_row(history.semantic, tokens.semantic_vocab, "semantic history", VoiceError)
        codes = code_rows(history.codes, tokens.n_coarse, tokens.codebook_size, "coarse history", VoiceError)
        coarse = tokens.flatten_coarse(codes)
        even = len(semantic) - len(semantic) % 2
        n_semantic = min(self.max_semantic_history, even, math.floor(len(coarse) / ratio))
        n_coarse = round(n_semantic * ratio)
        kept = coarse[len(coarse) - n_coarse : max(0, len(coarse) - self.layout.drop_history)]
        return semantic[len(semantic) - n_semantic :].tolist(), kept.tolist()

    def _checked(self, token: int) -> int:
        if not 0 <= token < self.tokens.semantic_vocab:
            raise BarkError(f"semantic tokens: expected 0 … {self.tokens.semantic_vocab - 1}, got {token}")
        return int(token)

    @property
    def capacity(self) -> int:
        """Positions of a whole window; its last token is never read."""
        return self.layout.semantic_window + 1 + self.layout.span - 1

    def _check(self, shape: GPTConfig) -> None:
        codes = self.tokens.coarse_rows(self.tokens.n_coarse - 1).stop
        inputs = max(codes, self.tokens.coarse_semantic_pad + 1, self.tokens.coarse_infer + 1)
        check_vocabularies(shape, inputs, codes, "coarse")
        if self.capacity > shape.block_size:
            raise CheckpointError(
                f"config.json: coarse: a window of {self.capacity} positions in a block_size of {shape.block_size}"
            )
        self._check_layout()

    def _check_layout(self) -> None:
        layout, n_coarse = self.layout, self.tokens.n_coarse
        for name in ("stride", "first_stride"):
            if (stride := getattr(layout, name)) % n_coarse:
                raise CheckpointError(
                    f"config.json: coarse_layout: a {name} of {stride} tokens cuts frames of {n_coarse} apart"
                )
        if layout.first_stride > layout.stride or layout.span < layout.stride:
            raise CheckpointError(
                f"config.json: coarse_layout: a first_stride of {layout.first_stride} and a history of "
                f"{layout.max_history} don't go with a stride of {layout.stride}"
            )
