"""What the routes of an app share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import Request

from bark.server.book import VoiceBook
from bark.server.jobs import Job, Snapshot, Speech, State, VoiceInfo
from bark.server.metrics import Metrics
from bark.server.model import ModelCard
from bark.server.settings import ServeSettings
from bark.server.uploads import Uploads


class Scheduling(Protocol):
    """What makes speech of jobs: `bark.server.scheduler.Scheduler`."""

    @property
    def state(self) -> State:
        """Whether jobs are taken, and if not, why."""
        ...

    async def start(self) -> None:
        """Begins loading; returns at once."""
        ...

    async def submit(self, job: Job) -> Speech:
        """Takes a job."""
        ...

    async def voices(self) -> Sequence[VoiceInfo]:
        """The voices of the model."""
        ...

    async def drain(self, grace: float) -> None:
        """Takes no more jobs, finishes those that were begun, and stops."""
        ...

    def snapshot(self) -> Snapshot:
        """How things stand."""
        ...


@dataclass(frozen=True)
class Serving:
    """All that an answer is made from.

    Attributes:
        settings: of the server.
        card: of the model.
        scheduler: makes speech.
        book: voices.
        uploads: makes voices of what clients send.
        metrics: counters.
    """

    settings: ServeSettings
    card: ModelCard
    scheduler: Scheduling
    book: VoiceBook
    uploads: Uploads
    metrics: Metrics


def serving(request: Request) -> Serving:
    """What the app of a request shares."""
    found: Serving = request.app.state.serving
    return found
