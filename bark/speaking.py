"""One request through all stages: what each is asked for, and what becomes of its answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch

from bark.engine import SemanticStage
from bark.engine.alignment import Alignment, align
from bark.engine.sequence import Sequence, alone
from bark.engine.surprise import surprise
from bark.engine.writing import Ask
from bark.errors import warn
from bark.guards import Problem, Said, badness, said_problems
from bark.heap import give_back
from bark.lines import language_of
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.record import Record
from bark.request import FloatArray, Request, Take, Tried
from bark.result import Tokens
from bark.sound import samples
from bark.text.normalize import normalize
from bark.text.prepare import prepared
from bark.text.tags import sounds_in
from bark.tokens import IntArray
from bark.voices import VoiceLike

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
        options = options or self.parts.config.generation
        text = prepared(normalize(text), self.parts.config.text, language_of(voice))
        return Request(
            text=text,
            ids=self.encode(text),
            voice=None if voice is None else self.parts.voices.load(voice),
            options=self._suited(options, text),
            seed=drawn_seed() if options.seed is None else options.seed,
        )

    def _suited(self, options: GenerateOptions, text: str) -> GenerateOptions:
        """The options; where they leave it to the model, at the temperature that the sounds in the text ask for."""
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
        """The same with a look at what is made: where the options have retries, semantic tokens that look wrong are
        written anew before any sound is made of them.
        """
        if not request.guarded:
            return Take(request, request, 1, (), record, self.alone(request, record))
        with _loading(self.parts.semantic(), record) as stage:
            (tried,) = alone(stage.model, stage.capacity, self.tried(request, stage, record))
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

    def tried(self, request: Request, stage: SemanticStage, record: Record) -> Sequence[Tried]:
        """A request's semantic tokens, tried until nothing looks wrong or no try is left; of these the least bad."""
        tries = request.left if request.guarded and request.varies else 1
        best: Tried | None = None
        with record.running("semantic"):
            for count in range(tries):
                own, tokens = request.again(count), list[int]()
                yield from _collected(own.semantic(stage), self._told(tokens, record))
                tried = Tried(own, tokens, count + 1, self._problems(own, tokens, stage))
                best = tried if best is None or badness(tried.problems) < badness(best.problems) else best
                if not tried.problems:
                    break
        assert best is not None
        record.pieces["semantic"] = best.tokens
        record.tell("semantic", len(best.tokens) / self.tokens.semantic_rate, True)
        yield replace(best, count=count + 1)

    def _problems(self, request: Request, tokens: list[int], stage: SemanticStage) -> tuple[Problem, ...]:
        """What looks wrong with semantic tokens."""
        if not request.guarded:
            return ()
        limit, cap = stage.capacity - stage.layout.prompt_length, request.options.max_duration
        rate, limited = self.tokens.semantic_rate, len(tokens) == limit
        cut = cap is not None and not limited and (len(tokens) + 1) / rate > cap
        voice = request.voice.reading if request.voice else None
        utterance = stage, np.array(request.ids), voice, np.array(tokens, dtype=np.int64)
        limits = self.parts.config.guards
        nats = surprise(*utterance).mean() if tokens and limits.surprise is not None else None
        alignment, sounds = align(*utterance), self.parts.config.sounds
        spent = [] if alignment is None else self._spent(request.text, alignment)
        said = Said(request.text, tokens, rate, limited, cut, alignment, nats, limits, spent, sounds)
        return tuple(said_problems(said))

    def _spent(self, text: str, alignment: Alignment) -> list[tuple[str, float]]:
        """Each tag of a text that asks for a sound, and the seconds that were spent on it."""
        found = sounds_in(text, self.parts.config.sounds.tags)
        if not found:
            return []
        heard = alignment.heard
        pieces = self.parts.tokenizer.spans(text)[: len(heard)]
        return [
            (
                text[start:end],
                float(sum(heard[n] for n, (low, high) in enumerate(pieces) if start < high and low < end)),
            )
            for start, end in found
        ]

    def _told(self, tokens: list[int], record: Record) -> Callable[[int], None]:
        """Takes semantic tokens, and tells of them."""

        def told(token: int) -> None:
            tokens.append(token)
            record.tell("semantic", len(tokens) / self.tokens.semantic_rate, False)

        return told

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
        audio = self._waveform(fine, record)
        return record.watch("codec", audio, lambda piece: len(piece) / self.tokens.sample_rate)

    def _fine(self, coarse: Iterator[IntArray], request: Request, record: Record) -> Iterator[IntArray]:
        with _loading(self.parts.fine(), record) as stage:
            yield from stage.generate(
                coarse,
                request.voice.fine if request.voice else None,
                options=request.options.fine,
                generator=request.generator("fine", stage.model.device),
            )

    def _waveform(self, fine: Iterator[IntArray], record: Record) -> Iterator[FloatArray]:
        with _loading(self.parts.codec(), record) as codec:
            stream, heard = codec.stream(), False
            for codes in fine:
                heard = True
                yield samples(stream.push(torch.tensor(codes, device=self.parts.codec_device)[None]))
            if heard:
                yield samples(stream.flush())
        give_back()

    def _seconds(self, codes: IntArray) -> float:
        return float(codes.shape[1] / self.tokens.frame_rate)


def _collected(sequence: Sequence[T], take: Callable[[T], None]) -> Generator[Ask, Any, None]:
    """What a sequence asks for; `take` gets its output."""
    reply = None
    while True:
        try:
            item = sequence.send(reply)
        except StopIteration:
            return
        if isinstance(item, Ask):
            reply = yield item
        else:
            take(item)
            reply = None


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
