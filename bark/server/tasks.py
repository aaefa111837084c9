"""A job that was taken, and the clocks that run for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bark.server.crew import Worker
from bark.server.jobs import Job, Speech
from bark.server.messages import Begin
from bark.server.turns import Wish
from bark.text.duration import expected_duration

LOOKED_AT = 20_000  # characters of a text, by which its length in seconds is told
LEAST_LEFT = 0.5  # seconds of audio that a job counts for until it has ended


class Clock:
    """Calls once, after so many seconds in which it wasn't stopped.

    Args:
        seconds: None for never.
        call: what to call.
    """

    def __init__(self, seconds: float | None, call: Callable[[], None]) -> None:
        self._whole = self._left = seconds
        self._call = call
        self._timer: asyncio.TimerHandle | None = None

    def run(self) -> None:
        """Goes on."""
        if self._left is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._left, self._call)

    def stop(self) -> None:
        """Stands still, for good or until it goes on."""
        if self._timer is not None:
            self._left = max(0.0, self._timer.when() - asyncio.get_running_loop().time())
            self._timer.cancel()
            self._timer = None

    def reset(self) -> None:
        """Stands still, with all of its time before it."""
        self.stop()
        self._left = self._whole


@dataclass(eq=False, kw_only=True)
class Task(Wish[Worker]):
    """A job that was taken and hasn't ended.

    Attributes:
        key: of it, between processes.
        job: itself.
        speech: what is made of it.
        deadline: ends it.
        patience: ends it while no worker is ready.
        held: whether it waits for its client to take what there is.
    """

    key: int
    job: Job
    speech: Speech
    deadline: Clock
    patience: Clock
    held: bool = False

    @property
    def begin(self) -> Begin:
        """What its worker is told first."""
        job = self.job
        return Begin(self.key, job.text, job.voice, job.options, job.language, job.dialogue, self.speech.seed)

    def stop_clocks(self) -> None:
        """Nothing ends it any more."""
        self.deadline.stop()
        self.patience.stop()


def expected_seconds(job: Job) -> float:
    """Of audio."""
    seconds = expected_duration(job.text[:LOOKED_AT]) * max(1.0, len(job.text) / LOOKED_AT)
    limit = job.options.max_duration if job.options else None
    return max(LEAST_LEFT, seconds if limit is None else min(seconds, limit))
