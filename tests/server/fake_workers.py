"""Workers that do what a test says, when it says so; and an engine without a model, for processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import numpy as np

from bark.errors import CheckpointError, TextError
from bark.options import GenerateOptions
from bark.server.jobs import FloatArray, Job, SchedulerSettings, Speech
from bark.server.link import Launch
from bark.server.messages import (
    Audio,
    Begin,
    Cancel,
    Event,
    Fault,
    FromWorker,
    LineEnded,
    LoadFailed,
    Ready,
    Report,
    Stop,
    Threads,
    ToWorker,
    Turn,
    Warned,
    WorkerSettings,
)
from bark.server.scheduler import Scheduler

RATE = 24_000
PIECE = 2_400  # samples of each piece of the engine's
T = TypeVar("T")


def run(work: Awaitable[T]) -> T:
    """What a coroutine gives, within a minute."""

    async def bounded() -> T:
        return await asyncio.wait_for(work, 60)

    return asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something; the minute of `run` is the limit."""
    while not condition():
        await asyncio.sleep(0.005)


async def heard(speech: Speech) -> FloatArray:
    """All of a speech."""
    return np.concatenate([np.empty(0, dtype=np.float32), *[piece async for piece in speech]])


class FakeWorker:
    """A worker that a test plays.

    Attributes:
        settings: that it was launched with.
        messages: that it got.
        begun: jobs that it knows, by key.
        speaking: keys of those that have a turn, in the order in which they got it.
        threads: that it was told to use.
    """

    def __init__(
        self, settings: WorkerSettings, on_message: Callable[[FromWorker], None], on_end: Callable[[int | None], None]
    ) -> None:
        self.settings, self._tell, self._end = settings, on_message, on_end
        self.pid = os.getpid()
        self.messages: list[ToWorker] = []
        self.begun: dict[int, Begin] = {}
        self.speaking: list[int] = []
        self.threads = settings.threads
        self.slots = self._turns = 0
        self.gone = False

    @property
    def texts(self) -> list[str]:
        """Of the jobs that speak."""
        return [self.begun[key].text for key in self.speaking]

    def send(self, message: ToWorker) -> None:
        assert not self.gone
        self.messages.append(message)
        if isinstance(message, Begin):
            self.begun[message.key] = message
        elif isinstance(message, Turn):
            self._turns += 1
            self.speaking.append(message.key)
        elif isinstance(message, Cancel):
            self.begun.pop(message.key)
            if message.key in self.speaking:
                self.speaking.remove(message.key)
            asyncio.get_running_loop().call_soon(self.report)
        elif isinstance(message, Threads):
            self.threads = message.count
        elif isinstance(message, Stop):
            asyncio.get_running_loop().call_soon(self.die, 0)

    def kill(self) -> None:
        asyncio.get_running_loop().call_soon(self.die, -9)

    def ready(self, slots: int = 2, suits: tuple[str | None, ...] = ("cpu",)) -> None:
        """Its model is loaded."""
        self.slots = slots
        self._tell(Ready("cpu", slots, suits))

    def fail(self, text: str) -> None:
        """It can't load its model, and ends."""
        self._tell(LoadFailed(Fault.of(CheckpointError(text))))
        self.die(0)

    def report(self, *events: Event) -> None:
        """It has done a step."""
        if not self.gone:
            self._tell(Report(self._turns, self.slots - len(self.speaking), len(self.speaking), events))

    def say(self, text: str, seconds: float = 1.0) -> None:
        """A piece of a job's audio."""
        self.report(audio(self.key(text), seconds))

    def finish(self, text: str, *, more: bool = False, seconds: float = 1.0, fault: Fault | None = None) -> None:
        """A job's line is spoken."""
        key = self.key(text)
        self.speaking.remove(key)
        self.report(audio(key, seconds), LineEnded(key, more, 5, 25, fault))

    def key(self, text: str) -> int:
        """Of the job that says this."""
        return next(key for key, begin in self.begun.items() if begin.text == text)

    def die(self, code: int | None = -9) -> None:
        """The process is gone."""
        if not self.gone:
            self.gone = True
            self._end(code)


def audio(key: int, seconds: float) -> Audio:
    """Silence."""
    return Audio(key, np.zeros(round(seconds * RATE), dtype=np.float32).tobytes())


class FakeCrew:
    """Launches workers that a test plays.

    Attributes:
        workers: all that were ever launched.
    """

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []

    def launch(
        self, settings: WorkerSettings, on_message: Callable[[FromWorker], None], on_end: Callable[[int | None], None]
    ) -> FakeWorker:
        self.workers.append(FakeWorker(settings, on_message, on_end))
        return self.workers[-1]

    @property
    def last(self) -> FakeWorker:
        return self.workers[-1]


async def started(launch: Launch, **settings: object) -> Scheduler:
    """A scheduler for the bundled model, or at least for its files."""
    scheduler = Scheduler(SchedulerSettings(**{"model": "pup", **settings}), launch)  # type: ignore[arg-type]
    await scheduler.start()
    return scheduler


async def ready(crew: FakeCrew, slots: int = 2, **settings: object) -> Scheduler:
    """A scheduler with one worker, whose model is loaded."""
    scheduler = await started(crew.launch, **settings)
    crew.last.ready(slots)
    return scheduler


class WordEngine:
    """Speaks each word of a text as a line, whose length in letters it has in pieces; their samples are its seed.

    A few words do as they say: `die`, `hang`, `fail`, `refuse`, `warn`.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        if settings.model == "broken":
            raise CheckpointError("this model is broken")
        if settings.model == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        self.slots = settings.slots or 4
        self.ready = Ready("cpu", self.slots, (None,) * settings.cores)
        self._words: dict[int, list[str]] = {}
        self._seeds: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._warned: list[Event] = []

    @property
    def free(self) -> int:
        return self.slots - len(self._left)

    @property
    def rows(self) -> int:
        return len(self._left)

    def use_threads(self, count: int) -> None:
        pass

    def open(self, asked: Begin) -> None:
        if asked.text == "refuse":
            raise TextError("this can't be said")
        self._words[asked.key] = asked.text.split()
        self._seeds[asked.key] = asked.seed

    def turn(self, key: int) -> None:
        if key not in self._words:
            return
        word = self._words[key].pop(0)
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hang":
            time.sleep(3600)
        if word == "fail":
            raise RuntimeError("nobody may see this")
        if word == "warn":
            self._warned.append(Warned(key, "a warning"))
        self._left[key] = len(word)

    def close(self, key: int) -> None:
        for table in (self._words, self._seeds, self._left):
            table.pop(key, None)

    def step(self) -> Iterator[Event]:
        time.sleep(0.001)
        yield from self._warned
        self._warned = []
        for key in list(self._left):
            self._left[key] -= 1
            yield Audio(key, spoken(self._seeds[key], 1).tobytes())
            if not self._left[key]:
                del self._left[key]
                more = bool(self._words[key])
                yield LineEnded(key, more, 1, 1)
                if not more:
                    self.close(key)


def spoken(seed: int, pieces: int) -> FloatArray:
    """What `WordEngine` makes."""
    return np.full(PIECE * pieces, seed / 1000, dtype=np.float32)


def word_engine(settings: WorkerSettings) -> WordEngine:
    """Found by its name in a worker's process."""
    return WordEngine(settings)


def word_job(text: str, seed: int, **more: object) -> Job:
    """A job for `WordEngine`."""
    return Job(text, options=GenerateOptions(seed=seed), **more)  # type: ignore[arg-type]
