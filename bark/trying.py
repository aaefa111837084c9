"""What a request says: the best of several takes of its semantic tokens, made anew where that looks wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bark.engine import SemanticStage, sequence
from bark.engine.alignment import Alignment, align
from bark.engine.choosing import ranked
from bark.engine.gaze import Gaze
from bark.engine.surprise import surprise
from bark.guards import Problem, Said, badness, said_problems
from bark.parts import Parts
from bark.record import Record
from bark.request import Request, Tried
from bark.text.tags import sounds_in

FloatArray = npt.NDArray[np.float64]


@dataclass(eq=False)
class _Take:
    """Semantic tokens, by how many nats each surprises the model, and what was looked at, as far as that is known."""

    gaze: Gaze | None
    tokens: list[int] = field(default_factory=list)
    nats: list[float] = field(default_factory=list)


class Tries:
    """The tries of one request. Each has as many takes as the options say, of which the best (`bark.engine.choosing`)
    with which nothing looks wrong is spoken.

    Args:
        parts: of the model.
        request: what is to be said.
        stage: that says it.
        record: told how far it is.
    """

    def __init__(self, parts: Parts, request: Request, stage: SemanticStage, record: Record) -> None:
        self._parts = parts
        self._stage = stage
        self._request = request
        self._record = record
        self._rate = parts.config.tokens.semantic_rate
        self._limit = request.left if request.guarded and request.varies else 1
        self._count = 0
        self._best: Tried | None = None
        self._takes: list[_Take] = []

    def begin(self) -> list[sequence.Sequence[int]]:
        """The takes of the next try, none begun; what is wrong with the request, they raise."""
        own = self._own
        heads = self._stage.alignment_heads if own.guarded else ()
        self._takes = [_Take(Gaze(heads) if heads else None) for _ in range(own.takes)]
        told = len(self._takes) > 1 or (own.guarded and self._parts.config.guards.surprise is not None)
        return [
            _begun_late(own, self._stage, number, take.nats if told else None, take.gaze)
            for number, take in enumerate(self._takes)
        ]

    def say(self, take: int, token: int) -> None:
        """Takes a token that a take put out."""
        self._takes[take].tokens.append(token)
        self._tell(max(len(each.tokens) for each in self._takes))

    def judge(self) -> Tried | None:
        """What is to be spoken, now that all takes have ended; None if it is time for another try."""
        own = self._own
        self._count += 1
        for take in self._ranked(own):
            problems = self._problems(own, take)
            if self._best is None or badness(problems) < badness(self._best.problems):
                self._best = Tried(own, take.tokens, self._count, problems)
            if not problems:
                break
        assert self._best is not None
        if self._best.problems and self._count < self._limit:
            return None
        self._record.pieces["semantic"] = self._best.tokens
        self._tell(len(self._best.tokens), ended=True)
        return replace(self._best, count=self._count)

    @property
    def _own(self) -> Request:
        """The request with the seed of this try."""
        return self._request.again(self._count)

    def _tell(self, tokens: int, ended: bool = False) -> None:
        self._record.tell("semantic", tokens / self._rate, ended)

    def _ranked(self, own: Request) -> list[_Take]:
        """The takes, the best first."""
        if len(self._takes) == 1:
            return self._takes
        nats = [self._surprise(own, take) for take in self._takes]
        return [self._takes[n] for n in ranked([take.tokens for take in self._takes], nats, self._rate)]

    def _surprise(self, own: Request, take: _Take) -> FloatArray:
        """Nats by which each token surprises the model, [T]; where the writer hasn't told, by another pass."""
        if len(take.nats) >= len(take.tokens):
            return np.array(take.nats[: len(take.tokens)])
        return surprise(self._stage, np.array(own.ids), own.reading, np.array(take.tokens, dtype=np.int64))

    def _problems(self, own: Request, take: _Take) -> tuple[Problem, ...]:
        """What looks wrong with semantic tokens."""
        if not own.guarded:
            return ()
        stage, tokens, rate = self._stage, take.tokens, self._rate
        limit, cap = stage.capacity - stage.layout.prompt_length, own.options.max_duration
        limited = len(tokens) == limit
        cut = cap is not None and not limited and (len(tokens) + 1) / rate > cap
        alignment = self._alignment(own, take)
        spent = [] if alignment is None else self._spent(own.text, alignment)
        config = self._parts.config
        asked = tokens and config.guards.surprise is not None
        nats = float(self._surprise(own, take).mean()) if asked else None
        said = Said(own.text, tokens, rate, limited, cut, alignment, nats, config.guards, spent, config.sounds)
        return tuple(said_problems(said))

    def _alignment(self, own: Request, take: _Take) -> Alignment | None:
        """Where a take says its text; where the writer hasn't told, by another pass."""
        shares = None if take.gaze is None else take.gaze.shares
        if shares is not None and len(shares) == len(take.tokens):
            return Alignment.of(shares, self._rate)
        return align(self._stage, np.array(own.ids), own.reading, np.array(take.tokens, dtype=np.int64))

    def _spent(self, text: str, alignment: Alignment) -> list[tuple[str, float]]:
        """Each tag of a text that asks for a sound, and the seconds that were spent on it."""
        found = sounds_in(text, self._parts.config.sounds.tags)
        if not found:
            return []
        heard = alignment.heard
        pieces = self._parts.tokenizer.spans(text)[: len(heard)]
        return [
            (
                text[start:end],
                float(sum(heard[n] for n, (low, high) in enumerate(pieces) if start < high and low < end)),
            )
            for start, end in found
        ]


def _begun_late(
    request: Request, stage: SemanticStage, take: int, nats: list[float] | None, gaze: Gaze | None
) -> sequence.Sequence[int]:
    """A take, which looks at the request when it is begun."""
    yield from request.semantic(stage, take, nats=nats, gaze=gaze)
