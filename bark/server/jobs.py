"""What the server asks to have spoken, and what it gets: jobs, their speech, and why there is none."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from bark.errors import BarkError
from bark.options import GenerateOptions
from bark.voices import Voice

FloatArray = npt.NDArray[np.float32]
State = Literal["idle", "loading", "ready", "draining", "stopped", "failed"]


class Busy(BarkError):
    """As many jobs wait as may.

    Attributes:
        retry_after: seconds until it is worth asking again.
    """

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class NotReady(BarkError):
    """No job is taken now.

    Attributes:
        state: of the scheduler.
        retry_after: seconds until it is worth asking again; None where that won't help.
    """

    def __init__(self, text: str, state: State, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.state: State = state
        self.retry_after = retry_after


class Late(BarkError):
    """A job wasn't done by its deadline."""


class EngineError(BarkError):
    """A job failed, and it is not the fault of whoever asked for it."""


@dataclass(frozen=True)
class Job:
    """Something to be spoken.

    Attributes:
        text: of any length; of a dialogue, the script.
        voice: a name in the model's library, or a voice itself; None for any. Never a path.
        options: None for the model's own. Without a seed one is drawn.
        language: of the text, as a two-letter code; None for that in the voice's name, else English.
        client: with whom others share alike: the name of an API key, or an address.
        bulk: waits for all jobs that are not.
        deadline: seconds from submission until its last sample must be made; time for which nothing is made because
            the client hasn't taken what there is doesn't count. None for no end.
        dialogue: whether the text is a script, as `Bark.dialogue` reads it.
    """

    text: str
    voice: str | Voice | None = None
    options: GenerateOptions | None = None
    language: str | None = None
    client: str = ""
    bulk: bool = False
    deadline: float | None = None
    dialogue: bool = False


@dataclass(frozen=True)
class VoiceInfo:
    """A voice of the model's library.

    Attributes:
        name: as a job names it.
        language: a two-letter code, where the name tells.
        kind: where it comes from; `preset` for what comes with the model.
    """

    name: str
    language: str | None = None
    kind: str = "preset"


@dataclass(frozen=True)
class SchedulerSettings:
    """How jobs are made.

    Attributes:
        model, device, dtype, quantize: as of `Bark`.
        workers: processes, each with a model of its own; None for what suits: on a CPU and for a small model one a
            core, else one, and on GPUs one each.
        slots: lines that each worker speaks at a time; None for what suits the device.
        threads: of a CPU, of all workers together; None for as many as there are cores.
        lazy: whether the model is loaded with the first job only.
        idle_unload: seconds without a job until the workers end; the next job starts them again. None for never.
        load_wait: seconds that a job may wait while the model is loaded.
        max_queue: jobs that may wait for a row.
        max_client_queue: of one client; None for as many as of all.
        ahead: seconds of audio that a job makes before its client has taken them; what a line makes is not cut.
    """

    model: str | None = None
    device: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    workers: int | None = None
    slots: int | None = None
    threads: int | None = None
    lazy: bool = False
    idle_unload: float | None = None
    load_wait: float = 10.0
    max_queue: int = 64
    max_client_queue: int | None = None
    ahead: float = 30.0


@dataclass(frozen=True)
class WorkerSnapshot:
    """A worker, now.

    Attributes:
        pid: of its process.
        ready: whether its model is loaded.
        device: where it computes; empty until it is ready.
        rows: lines that it speaks.
        jobs: that it has begun and not ended.
        memory: resident bytes; 0 where the system doesn't tell.
    """

    pid: int
    ready: bool
    device: str
    rows: int
    jobs: int
    memory: int


@dataclass(frozen=True)
class Snapshot:
    """The scheduler, now.

    Attributes:
        state: of it.
        jobs: that are taken and not ended; each is speaking, waiting or held.
        waiting: jobs that want a row, and that are not bulk.
        waiting_bulk: the same of bulk jobs.
        held: jobs that wait for their client to take what there is.
        rows: lines that are being spoken.
        slots: rows that there can be, of all workers that are ready.
        audio_seconds: made since the start.
        audio_rate: seconds of audio a second, while there was work lately; 0 until that is known.
        restarts: workers that died and were replaced.
        workers: that run.
        ended: jobs since the start by how they ended: `done`, `cancelled`, `late`, `failed`.
    """

    state: State
    jobs: int = 0
    waiting: int = 0
    waiting_bulk: int = 0
    held: int = 0
    rows: int = 0
    slots: int = 0
    audio_seconds: float = 0.0
    audio_rate: float = 0.0
    restarts: int = 0
    workers: tuple[WorkerSnapshot, ...] = ()
    ended: dict[str, int] = field(default_factory=dict)


class Speech:
    """The audio of a job: an asynchronous iterator of pieces, float32 [T] in [−1, 1], in order.

    Whoever makes it (the scheduler, or a test) calls `put`, `warn` and `end`; all in the thread of the event loop.

    Attributes:
        sample_rate: Hz.
        seed: gives the same again.
        warnings: what was said on the way, so far: text was cut, a line looks wrong.
        text_tokens: read so far, for who counts.
        audio_tokens: semantic ones, written so far.
        made: samples so far.
        taken: samples that the client has had.

    Args:
        sample_rate: Hz.
        seed: of the job.
        on_taken: called when a piece has been taken.
        on_close: called once when nobody wants the rest, unless it has ended.
    """

    def __init__(
        self,
        sample_rate: int,
        seed: int,
        on_taken: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.sample_rate = sample_rate
        self.seed = seed
        self.warnings: list[str] = []
        self.text_tokens = self.audio_tokens = self.made = self.taken = 0
        self._on_taken, self._on_close = on_taken, on_close
        self._pieces: deque[FloatArray] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    async def begun(self) -> None:
        """Waits until the first piece is at hand, or the end of a speech without any.

        Raises:
            BarkError: what went wrong before.
        """
        await self._wait()

    def __aiter__(self) -> Speech:
        return self

    async def __anext__(self) -> FloatArray:
        """The next piece.

        Raises:
            BarkError: what went wrong after the pieces before it.
        """
        await self._wait()
        if not self._pieces:
            raise StopAsyncIteration
        piece = self._pieces.popleft()
        self.taken += len(piece)
        self._on_taken()
        return piece

    async def aclose(self) -> None:
        """Gives up what isn't made yet; its row is free at once. What was made and not taken is gone, too."""
        self._pieces.clear()
        if not self._ended:
            self.end()
            self._on_close()

    @property
    def ahead(self) -> float:
        """Seconds that are made and not taken."""
        return (self.made - self.taken) / self.sample_rate

    @property
    def ended(self) -> bool:
        """Whether nothing more will be made."""
        return self._ended

    def put(self, piece: FloatArray) -> None:
        """Adds a piece."""
        if not self._ended:
            self.made += len(piece)
            self._pieces.append(piece)
            self._changed.set()

    def warn(self, text: str) -> None:
        """Adds a warning."""
        self.warnings.append(text)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; `error` is raised after the last piece."""
        if not self._ended:
            self._ended, self._error = True, error
            self._changed.set()

    async def _wait(self) -> None:
        """Until there is a piece, or the end; raises the error if that is all there is."""
        while not self._pieces and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._pieces and self._error is not None:
            raise self._error
