"""What one utterance is made from, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, sequence, stage_generator
from bark.engine.gaze import Gaze
from bark.guards import Problem, badness, heard_problems
from bark.options import MAX_SEED, GenerateOptions
from bark.record import Record
from bark.result import added
from bark.tokens import IntArray
from bark.voices import Voice

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Request:
    """What one utterance is made from."""

    text: str
    ids: list[int]
    voice: Voice | None
    options: GenerateOptions
    seed: int
    tries: int | None = None  # that are left, this one too; None for all that the options allow

    @property
    def guarded(self) -> bool:
        """Whether it is said anew when it looks wrong."""
        return self.options.retries > 0

    @property
    def reading(self) -> IntArray | None:
        """The voice's semantic tokens that it goes on from."""
        return self.voice.reading if self.voice else None

    @property
    def weighed(self) -> bool:
        """Whether its semantic tokens are looked at, all of them, before any sound is made of them."""
        return self.guarded or self.takes > 1

    @property
    def takes(self) -> int:
        """Of its semantic tokens, of which one is chosen."""
        return self.options.best_of if self.varies else 1

    @property
    def varies(self) -> bool:
        """Whether another seed may say it otherwise."""
        return not self.options.semantic.greedy

    @property
    def left(self) -> int:
        """Tries that are left, this one too."""
        return 1 + self.options.retries if self.tries is None else self.tries

    def again(self, count: int) -> Request:
        """The request after so many tries: with the seed that is so many further."""
        return replace(self, seed=(self.seed + count) % (MAX_SEED + 1), tries=self.left - count) if count else self

    def generator(self, stage: str, device: torch.device) -> torch.Generator:
        """The source of a stage's draws."""
        return stage_generator(self.seed, stage, device)

    def semantic(
        self, stage: SemanticStage, take: int = 0, *, nats: list[float] | None = None, gaze: Gaze | None = None
    ) -> sequence.Sequence[int]:
        """The first stage's part, not begun; of several takes, this one. For the rest see `SemanticStage.sequence`."""
        return stage.sequence(
            np.array(self.ids),
            self.reading,
            options=self.options.semantic,
            min_eos_p=self.options.min_eos_p,
            max_duration=self.options.max_duration,
            generator=self.generator(f"semantic {take}" if take else "semantic", stage.model.device),
            nats=nats,
            gaze=gaze,
        )

    def coarse(self, stage: CoarseStage, semantic: Iterable[int]) -> sequence.Sequence[IntArray]:
        """The second stage's part, not begun."""
        voice = self.voice
        return stage.sequence(
            semantic,
            CoarseHistory(voice.semantic, voice.coarse) if voice else None,
            options=self.options.coarse,
            generator=self.generator("coarse", stage.model.device),
        )


@dataclass(frozen=True, eq=False)
class Tried:
    """Semantic tokens of a request.

    Attributes:
        request: with the seed that was used.
        tokens: [T].
        count: how many tries it took.
        problems: what still looks wrong.
    """

    request: Request
    tokens: list[int]
    count: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, eq=False)
class Take:
    """What was made of a request.

    Attributes:
        asked: the request.
        request: the same with the seed that was used.
        tries: how many it took.
        problems: what still looks wrong.
        record: of the stages; its timings are of all tries.
        pieces: the audio; one by one as it is made, or all of it.
    """

    asked: Request
    request: Request
    tries: int
    problems: tuple[Problem, ...]
    record: Record
    pieces: Iterable[FloatArray]

    @classmethod
    def of(cls, asked: Request, tried: Tried, record: Record, pieces: Iterable[FloatArray]) -> Take:
        """What was made of semantic tokens."""
        return cls(asked, tried.request, tried.count, tried.problems, record, pieces)

    @property
    def next(self) -> Request | None:
        """What is to be tried instead, if this looks wrong and tries are left."""
        more = self.asked.varies and self.asked.left > self.tries
        return self.asked.again(self.tries) if self.problems and more else None

    def heard(self, pieces: list[FloatArray], sample_rate: int) -> Take:
        """The same when all of the audio is there, which is judged too."""
        found = heard_problems(np.concatenate(pieces), sample_rate) if pieces and self.asked.guarded else []
        return replace(self, pieces=pieces, problems=(*self.problems, *found))


def least_bad(takes: Sequence[Take]) -> Take:
    """The take, of one or more of the same line, that looks best; it counts the tries and the time of all."""
    best = min(takes, key=lambda take: badness(take.problems))
    best.record.timings.update(added(take.record.timings for take in takes))
    return replace(best, tries=sum(take.tries for take in takes))
