"""One request through all stages: what each is asked for, and what becomes of its answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from bark.engine.sequence import alone, together
from bark.errors import warn
from bark.heap import give_back
from bark.lines import language_of
from bark.models.config import ModelConfig
from bark.options import GenerateOptions, ModelsOwnCount
from bark.parts import Parts
from bark.record import Record
from bark.request import FloatArray, Request, Take, Tried
from bark.result import Tokens
from bark.sound import Waveform
from bark.text.language import language_of_text
from bark.text.normalize import normalize
from bark.text.prepare import prepared
from bark.text.tags import sounds_in
from bark.tokens import IntArray
from bark.trying import Tries
from bark.voices import Voice, VoiceLike

T = TypeVar("T")


class Speaking:
    """Requests through the stages of a model.

    Args:
        parts: of the model.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tokens = parts.config.tokens

    def request(self, text: str, voice: VoiceLike | None, options: GenerateOptions | None) -> Request:
        """What one utterance is made from, checked; see `Bark.request`."""
        options = (options or GenerateOptions()).suited(self.parts.config.generation)
        text = prepared(normalize(text), self.parts.config.text, language_of(voice))
        return Request(
            text=text,
            ids=self.encode(text),
            voice=None if voice is None else self.parts.voices.load(voice),
            options=self._suited(options, text, voice),
            seed=drawn_seed() if options.seed is None else options.seed,
        )

    def _suited(self, options: GenerateOptions, text: str, voice: VoiceLike | None) -> GenerateOptions:
        """The options; where they leave it to the model, with as many takes as the language is worth, and at the
        temperature that the sounds in the text ask for.
        """
        options = with_own_takes(options, self.parts.config, text, voice)
        tags, own = self.parts.config.sounds.tags, self.parts.config.generation.semantic.temperature
        found = [tags[text[start:end].lower()] for start, end in sounds_in(text, tags)]
        if not found or options.semantic.temperature != own:
            return options
        return replace(options, semantic=replace(options.semantic, temperature=max(found)))

    def encode(self, text: str) -> list[int]:
        """Ids of a normalised text, as many as the model reads; see `Bark.encode`."""
        tokenizer, length = self.parts.tokenizer, self.parts.config.semantic_layout.text_length
        ids = tokenizer.encode(text)
        if len(ids) > length:
            start = tokenizer.spans(text)[length][0]
            warn(
                f"the text is {len(ids)} tokens long and the model reads {length}: the last {len(text) - start} of "
                f"{len(text)} characters were cut, from {text[start : start + 40]!r} on"
            )
        return ids[:length]

    def alone(self, request: Request, record: Record) -> Iterator[FloatArray]:
        """The audio of one in pieces, each as soon as it is settled; every stage draws on the one before."""
        semantic = self._passed(self._semantic(request, record))
        coarse = self._passed(self._coarse(semantic, request, record))
        return self.sound(coarse, request, record)

    def take(self, request: Request, record: Record) -> Take:
        """The same with a look at what is made, before any sound is made of it: where the options say so, semantic
        tokens are the best of several takes, and those that look wrong are written anew.
        """
        if not request.weighed:
            return Take(request, request, 1, (), record, self.alone(request, record))
        tried = self._tried(request, record)
        coarse = self._passed(self._coarse(iter(tried.tokens), tried.request, record))
        pieces = self.sound(coarse, tried.request, record)
        return Take.of(request, tried, record, pieces)

    def tokens_of(self, record: Record) -> Tokens:
        """What all stages have written."""
        return Tokens(
            semantic=np.array(record.pieces["semantic"], dtype=np.int64),
            coarse=_joined(record.pieces["coarse"], self.tokens.n_coarse),
            fine=_joined(record.pieces["fine"], self.tokens.n_codebooks),
        )

    def _tried(self, request: Request, record: Record) -> Tried:
        """A request's semantic tokens; the takes of a try are made side by side."""
        with _loading(self.parts.semantic(), record) as stage, record.running("semantic"):
            tries, tried = Tries(self.parts, request, stage, record), None
            while tried is None:
                takes = tries.begin()
                for take, token in together(stage.model, stage.capacity, enumerate(takes), len(takes)):
                    tries.say(take, token)
                tried = tries.judge()
        return tried

    def _passed(self, pieces: Iterator[T]) -> Iterator[T]:
        """A stage's pieces, for the next: all at once where two models may not be on the device together."""
        return iter(list(pieces)) if self.parts.offload else pieces

    def _semantic(self, request: Request, record: Record) -> Iterator[int]:
        def tokens() -> Iterator[int]:
            with _loading(self.parts.semantic(), record) as stage:
                yield from alone(stage.model, stage.capacity, request.semantic(stage))

        return record.watch("semantic", tokens(), lambda token: 1 / self.tokens.semantic_rate)

    def _coarse(self, semantic: Iterator[int], request: Request, record: Record) -> Iterator[IntArray]:
        def codes() -> Iterator[IntArray]:
            with _loading(self.parts.coarse(), record) as stage:
                yield from alone(stage.model, stage.capacity, request.coarse(stage, semantic))

        return record.watch("coarse", codes(), self._seconds)

    def sound(self, coarse: Iterator[IntArray], request: Request, record: Record) -> Iterator[FloatArray]:
        """What the fine stage and the codec make of coarse codes."""
        fine = self._passed(record.watch("fine", self._fine(coarse, request, record), self._seconds))
        audio = self._waveform(fine, request.voice, record)
        return record.watch("codec", audio, lambda piece: len(piece) / self.tokens.sample_rate)

    def _fine(self, coarse: Iterator[IntArray], request: Request, record: Record) -> Iterator[IntArray]:
        with _loading(self.parts.fine(), record) as stage:
            yield from stage.generate(
                coarse,
                request.voice.fine if request.voice else None,
                options=request.options.fine,
                generator=request.generator("fine", stage.model.device),
            )

    def _waveform(self, fine: Iterator[IntArray], voice: Voice | None, record: Record) -> Iterator[FloatArray]:
        with _loading(self.parts.codec(), record) as codec:
            waveform, heard = Waveform(self.parts, codec, voice), False
            for codes in fine:
                heard = True
                yield waveform.push(codes)
            if heard:
                yield waveform.flush()
        give_back()

    def _seconds(self, codes: IntArray) -> float:
        return float(codes.shape[1] / self.tokens.frame_rate)


def drawn_seed() -> int:
    """A seed that nobody chose; short enough to be typed."""
    return secrets.randbelow(2**32)


def _joined(pieces: list[Any], rows: int) -> IntArray:
    return np.concatenate([np.empty((rows, 0), dtype=np.int64), *pieces], axis=1)


@contextmanager
def _loading(part: AbstractContextManager[T], record: Record) -> Iterator[T]:
    """Borrows a part; the time that it takes to get it counts as loading."""
    with ExitStack() as stack:
        with record.running("load"):
            borrowed = stack.enter_context(part)
        yield borrowed


def with_own_takes(
    options: GenerateOptions, config: ModelConfig, text: str, voice: VoiceLike | None
) -> GenerateOptions:
    """The options for a text; where nobody has chosen how many takes to make, with those that suit its language.

    Without a voice English is expected: to ask a text that looks like it would take longer than the other takes.
    """
    if not config.takes or not isinstance(options.best_of, ModelsOwnCount):
        return options
    expected = language_of(voice) or "en"
    takes = config.takes.get(language_of_text(text, expected) or expected, options.best_of)
    return replace(options, best_of=ModelsOwnCount(takes))
