"""What the scheduler and a worker tell each other: small, frozen, and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import bark.errors
from bark.errors import BarkError
from bark.options import GenerateOptions
from bark.server.jobs import EngineError
from bark.voices import Voice


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is started with.

    Attributes:
        model, device, dtype, quantize: as of `Bark`.
        slots: lines at a time; None for what suits the device.
        threads: of a CPU, to begin with.
        cores: of a CPU, for all workers together.
        asked: the device that all workers were asked to be on; None for any.
    """

    model: str | None = None
    device: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    slots: int | None = None
    threads: int = 1
    cores: int = 1
    asked: str | None = None


@dataclass(frozen=True)
class Begin:
    """To a worker: a job to be made ready. It speaks when it is given turns.

    Attributes:
        key: of the job.
        text, voice, options, language, dialogue: as of a `Job`.
        seed: of it.
    """

    key: int
    text: str
    voice: str | Voice | None
    options: GenerateOptions | None
    language: str | None
    dialogue: bool
    seed: int


@dataclass(frozen=True)
class Turn:
    """To a worker: the job speaks its next line."""

    key: int


@dataclass(frozen=True)
class Cancel:
    """To a worker: the job is given up."""

    key: int


@dataclass(frozen=True)
class Threads:
    """To a worker: compute with so many from the next step on."""

    count: int


@dataclass(frozen=True)
class Stop:
    """To a worker: end."""


@dataclass(frozen=True)
class Ready:
    """Of a worker: its model is loaded.

    Attributes:
        device: where it computes.
        slots: lines at a time.
        suits: devices of the workers that suit the model and the machine, one each.
    """

    device: str
    slots: int
    suits: Sequence[str | None]


@dataclass(frozen=True)
class LoadFailed:
    """Of a worker: it can't load its model, and would not another time."""

    fault: Fault


@dataclass(frozen=True)
class Audio:
    """Of a job: a piece of its audio, float32 in the machine's order."""

    key: int
    data: bytes


@dataclass(frozen=True)
class Warned:
    """Of a job: something that its client should know."""

    key: int
    text: str


@dataclass(frozen=True)
class LineEnded:
    """Of a job: a line is spoken.

    Attributes:
        key: of the job.
        more: whether another follows, when the job is given a turn.
        text_tokens: that were read.
        audio_tokens: semantic ones, that were written.
        fault: what ended the job, if it went wrong.
    """

    key: int
    more: bool
    text_tokens: int = 0
    audio_tokens: int = 0
    fault: Fault | None = None


Event: TypeAlias = Audio | Warned | LineEnded


@dataclass(frozen=True)
class Report:
    """Of a worker, after a step.

    Attributes:
        turns: it has seen so far; those that were sent since are not in the other numbers.
        free: lines that it could begin now.
        rows: lines that it speaks.
        events: in order.
    """

    turns: int
    free: int
    rows: int
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Fault:
    """An error on its way between processes: the name of its kind, and its sentence."""

    kind: str
    text: str

    @classmethod
    def of(cls, error: BarkError) -> Fault:
        """Of an error that a caller may see."""
        return cls(type(error).__name__, str(error))

    def error(self) -> BarkError:
        """The error again; of a kind that isn't known here, an `EngineError`."""
        kind = getattr(bark.errors, self.kind, None)
        if isinstance(kind, type) and issubclass(kind, BarkError):
            return kind(self.text)
        return EngineError(self.text)


ToWorker: TypeAlias = Begin | Turn | Cancel | Threads | Stop
FromWorker: TypeAlias = Ready | LoadFailed | Report
