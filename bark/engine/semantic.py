"""Text tokens to semantic tokens."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, repeat
from typing import Any

import torch
from torch import Tensor

from bark.engine.checks import Tokens, check_vocabularies, token_row
from bark.engine.gaze import Gaze
from bark.engine.sampling import MinEos, Sampler
from bark.engine.sequence import Sequence, alone
from bark.engine.writing import NEXT, Ask, Head, Write
from bark.errors import CheckpointError, OptionError, TextError, VoiceError
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.tokens import IntArray


class SemanticStage:
    """Says what is spoken, and how: text tokens [N] and a voice's semantic tokens to new semantic tokens.

    The prompt is the sum of two rows, text and history, each from position 0 on; the infer token stands at
    `layout.prompt_length`, whatever of the prompt is there, and the new tokens come after it.

    Raises:
        CheckpointError: the prompt or its tokens do not fit the model.
    """

    def __init__(self, model: GPT, config: ModelConfig) -> None:
        self.model = model
        self.tokens = config.tokens
        self.layout = config.semantic_layout
        self.alignment_heads = config.alignment_heads
        inputs = max(self.tokens.text_pad, self.tokens.semantic_pad, self.tokens.semantic_infer) + 1
        check_vocabularies(model.config, inputs, self.tokens.semantic_eos + 1, "semantic")
        if self.layout.prompt_length >= model.config.block_size:
            raise CheckpointError(
                f"config.json: semantic: a prompt of {self.layout.prompt_length} positions leaves no room "
                f"in a block_size of {model.config.block_size}"
            )

    @property
    def text_length(self) -> int:
        """Text tokens that can be read; whoever has more must cut or split them."""
        return self.layout.text_length

    def generate(
        self, text: Tokens, history: Tokens | None = None, *, options: SamplingOptions, **more: Any
    ) -> Iterator[int]:
        """Semantic tokens, one at a time; the arguments are those of `sequence`."""
        return alone(self.model, self.capacity, self.sequence(text, history, options=options, **more))

    @property
    def capacity(self) -> int:
        """Positions of the longest utterance; its last token is never read."""
        return self.layout.prompt_length + self._limit(None)

    def sequence(
        self,
        text: Tokens,
        history: Tokens | None = None,
        *,
        options: SamplingOptions,
        min_eos_p: float | None = 0.2,
        max_duration: float | None = None,
        stop_at_eos: bool = True,
        generator: torch.Generator | None = None,
        nats: list[float] | None = None,
        gaze: Gaze | None = None,
    ) -> Sequence[int]:
        """An utterance that puts out its semantic tokens, one at a time.

        Args:
            text: token ids [N] as the tokenizer gives them, 1 ≤ N ≤ `text_length`.
            history: a voice's semantic tokens [T]; the last `layout.history_length` are read.
            options: how to sample.
            min_eos_p: the utterance ends once its end has this probability, even if it isn't drawn; None for never.
            max_duration: seconds; the token that exceeds them is the last.
            stop_at_eos: False to go on to max_duration or the model's limit.
            generator: on the model's device; None for unpredictable draws.
            nats: takes what `surprise` says of each token, and of the end, where tokens are written one at a time.
            gaze: takes what its heads look at in the text, there too.

        Raises:
            TextError: there is no text, too much of it, or it is not of this model's vocabulary.
            VoiceError: the history is not of this model's vocabulary.
        """
        ids = self._text(text)
        prompt, positions = self._prompt(ids, self._history(history))
        end = MinEos(self.tokens.semantic_vocab, min_eos_p) if stop_at_eos and min_eos_p is not None else None
        sampler = Sampler(options, generator, self.model.device, end, nats=nats)
        limit = self._limit(max_duration)
        return self._utterance(prompt, positions, sampler, limit, stop_at_eos, gaze, len(ids))

    def whole(self, text: Tokens, history: Tokens | None, said: Tokens) -> tuple[Tensor, Tensor, int]:
        """An utterance as the model read it while saying it: all but the last of its tokens.

        Args:
            text: as `sequence` takes it.
            history: as `sequence` takes it.
            said: semantic tokens [T] of the utterance.

        Returns:
            What the trunk reads, [1, P + T − 1, C] for T > 0, its positions, and the length P of the prompt, of which
            the last decides the first token said.

        Raises:
            TextError: see `sequence`.
            VoiceError: see `sequence`.
            OptionError: what is said is not of this model's vocabulary, or longer than the model can say.
        """
        rows, positions = self._prompt(self._text(text), self._history(history))
        tokens = token_row(said, self.tokens.semantic_vocab, "semantic tokens of the utterance", OptionError)
        if len(tokens) > self._limit(None):
            raise OptionError(
                f"the utterance has {len(tokens)} semantic tokens, but the model says {self._limit(None)}"
            )
        read = torch.from_numpy(tokens[:-1]).to(self.model.device)
        after = self.layout.prompt_length + 1 + torch.arange(len(read), device=positions.device)
        embedded = torch.cat([self._embed(rows), self.model.embed(read[None])], dim=1)
        return embedded, torch.cat([positions, after]), len(positions)

    def logits(self, hidden: Tensor) -> Tensor:
        """What the trunk says, [..., C], as logits of the semantic tokens and then of the end, [..., V + 1]."""
        return self._head(True).logits(self.model, hidden)

    def _utterance(
        self,
        prompt: Tensor,
        positions: Tensor,
        sampler: Sampler,
        limit: int,
        stop_at_eos: bool,
        gaze: Gaze | None,
        n_text: int,
    ) -> Sequence[int]:
        ask: Ask = Write(
            self._embed(prompt),
            positions,
            keep=0,
            position=self.layout.prompt_length + 1,
            count=limit,
            heads=(self._head(stop_at_eos),),
            sampler=sampler,
            may_stop=stop_at_eos,
            gaze=gaze,
        )
        said = 0
        while said < limit and (token := (yield ask)) != self.tokens.semantic_vocab:
            yield token
            said, ask = said + 1, NEXT
        if gaze is not None:
            gaze.end(len(positions) - 1, said, n_text)

    def _prompt(self, text: IntArray, history: IntArray) -> tuple[Tensor, Tensor]:
        """Rows [2, P + 1] to be embedded and summed, and their positions [P + 1].

        The infer token is in both rows; `_embed` counts it once.
        """
        length = self.layout.prompt_length if self.layout.pad_prompt else max(len(text), len(history))
        rows = torch.empty(2, length + 1, dtype=torch.int64)
        for row, values, pad in zip(
            rows, (text, history), (self.tokens.text_pad, self.tokens.semantic_pad), strict=True
        ):
            row.fill_(pad)
            row[: len(values)] = torch.from_numpy(values)
        rows[:, -1] = self.tokens.semantic_infer
        positions = torch.arange(length + 1)
        positions[-1] = self.layout.prompt_length
        return rows.to(self.model.device), positions.to(self.model.device)

    def _embed(self, rows: Tensor) -> Tensor:
        """Rows [2, P + 1] as the model reads them, [1, P + 1, C]."""
        text, history = self.model.embed(rows)[:, None]
        return torch.cat([text[:, :-1] + history[:, :-1], text[:, -1:]], dim=1)

    def _head(self, eos: bool) -> Head:
        """Of the semantic tokens, and with `eos` of the end, as the token after them."""
        said, end = self.tokens.semantic_vocab, self.tokens.semantic_eos
        if not eos:
            return Head((range(said),))
        return Head((range(said + 1),) if end == said else (range(said), range(end, end + 1)))

    def _limit(self, max_duration: float | None) -> int:
        limit = min(self.layout.max_steps, self.model.config.block_size - self.layout.prompt_length)
        if max_duration is not None:
            # the original adds up the tokens' seconds and compares: at 10 s that comes to one token less than dividing
            spoken = accumulate(repeat(1 / self.tokens.semantic_rate, limit))
            limit = next((n for n, seconds in enumerate(spoken, 1) if seconds > max_duration), limit)
        return limit

    def _text(self, values: Tokens) -> IntArray:
        offset = self.tokens.text_offset
        text = token_row(values, self.model.config.input_vocab - offset, "text tokens", TextError)
        if len(text) == 0:
            raise TextError("there is no text to speak")
        if len(text) > self.text_length:
            raise TextError(f"the text is {len(text)} tokens long, but the model reads {self.text_length} at a time")
        return text + offset

    def _history(self, values: Tokens | None) -> IntArray:
        history = token_row(
            [] if values is None else values, self.tokens.semantic_vocab, "semantic history", VoiceError
        )
        return history[max(0, len(history) - self.layout.history_length) :]
