"""The workers: started, watched, replaced, and let go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from bark.server.cores import resident_memory, usable_cores
from bark.server.jobs import SchedulerSettings, WorkerSnapshot
from bark.server.link import Launch, Link
from bark.server.messages import FromWorker, LoadFailed, Ready, Report, Stop, Threads, ToWorker, Turn, WorkerSettings

logger = logging.getLogger(__name__)
SILENCE = 120.0  # seconds without a word after which a worker that should speak is ended
SHORT_LIFE = 60.0  # seconds; who dies sooner is replaced later each time …
LONGEST_WAIT = 30.0  # … up to so many seconds
PARTING = 10.0  # seconds that workers may take to end when they are told to
USUAL_LOAD = 5.0  # seconds that loading takes, before it was measured


class Worker:
    """One worker.

    Args:
        place: in the crew; who replaces it has the same.
        now: when it is started.

    Attributes:
        ready: what it said when its model was loaded; None until then.
        report: its last.
        left: work that it has been given and not done, seconds of audio; the scheduler's to keep.
        jobs: that have begun there and not ended; the scheduler's to keep.
    """

    def __init__(self, place: int, now: float) -> None:
        self.place = place
        self.began = self.heard = now
        self.link: Link | None = None
        self.ready: Ready | None = None
        self.report = Report(0, 0, 0)
        self.left, self.jobs = 0.0, 0
        self._turns = self._threads = 0

    @property
    def free(self) -> int:
        """Turns that it could be given now: what it told, less those that it hadn't seen then."""
        return self.report.free - self._unseen if self.ready else 0

    @property
    def rows(self) -> int:
        """Lines that it speaks, or will with its next step."""
        return self.report.rows + self._unseen

    @property
    def _unseen(self) -> int:
        return self._turns - self.report.turns

    def send(self, message: ToWorker, now: float = 0.0) -> None:
        """Tells it something."""
        if isinstance(message, Turn):
            self.heard = self.heard if self.rows else now  # until now there was nothing to say
            self._turns += 1
        if self.link:
            self.link.send(message)

    def use_threads(self, count: int) -> None:
        """Has it compute with so many, if it doesn't."""
        if count != self._threads:
            self._threads = count
            self.send(Threads(count))

    def snapshot(self) -> WorkerSnapshot:
        """The worker, now."""
        pid = self.link.pid if self.link else 0
        device = self.ready.device if self.ready else ""
        return WorkerSnapshot(pid, self.ready is not None, device, self.rows, self.jobs, resident_memory(pid))


class Owner(Protocol):
    """Whoever a crew works for."""

    def on_report(self, worker: Worker, report: Report) -> None:
        """A worker tells of its work."""

    def on_change(self) -> None:
        """A worker is ready, or it is known that none will be."""

    def on_lost(self, worker: Worker) -> None:
        """A worker is gone that wasn't told to go."""


class Crew:
    """Workers for one model.

    To be made in the event loop.

    Args:
        settings: of the scheduler.
        launch: starts a worker.
        owner: is told what happens.

    Attributes:
        workers: that run, or are being started.
        restarts: workers that died and were replaced.
        failure: why no worker can load the model; None as long as one may.
        wanted: whether there should be workers.
    """

    def __init__(self, settings: SchedulerSettings, launch: Launch, owner: Owner) -> None:
        self.workers: list[Worker] = []
        self.restarts = 0
        self.failure: str | None = None
        self.wanted = False
        self._settings, self._launch, self._owner = settings, launch, owner
        self._loop = asyncio.get_running_loop()
        self._cores = settings.threads or usable_cores()
        self._devices: Sequence[str | None] = (settings.device,)  # of each place; more once the first worker knows
        self._known = False
        self._broken: set[int] = set()  # places whose device can't hold the model
        self._alive: set[Worker] = set()
        self._gone = asyncio.Event()
        self._deaths = 0  # in a row, each soon after the start
        self._load_time = USUAL_LOAD

    @property
    def ready(self) -> list[Worker]:
        """Those that can be given turns."""
        return [worker for worker in self.workers if worker.ready]

    @property
    def time_to_load(self) -> float:
        """Seconds until the first will be ready, as far as can be told."""
        passed = max((self._loop.time() - worker.began for worker in self.workers), default=0.0)
        return max(1.0, self._load_time - passed)

    def start(self) -> None:
        """Starts all, unless they are started."""
        if not self.wanted:
            self.wanted, self.failure, self._deaths = True, None, 0
            self._broken.clear()
            self._fill()

    def dismiss(self) -> None:
        """Tells all to end; returns at once."""
        self.wanted = False
        for worker in self.workers:
            worker.send(Stop())
            if worker.link and not worker.ready:  # it would load its model first
                worker.link.kill()
        self.workers = []

    async def stop(self) -> None:
        """Ends all; returns when they are gone."""
        self.dismiss()
        if await self._all_gone(PARTING):
            return
        for worker in self._alive:
            if worker.link:
                worker.link.kill()
        await self._all_gone(None)

    def check(self) -> None:
        """Ends workers that should speak and say nothing."""
        for worker in self.ready:
            if worker.rows and worker.link and self._loop.time() - worker.heard > SILENCE:
                logger.error("worker %d has said nothing for %.0f s: it is ended", worker.link.pid, SILENCE)
                worker.link.kill()
                worker.heard = self._loop.time()

    def share_threads(self) -> None:
        """Has those that speak share the cores."""
        speaking = [worker for worker in self.ready if worker.rows]
        for worker in speaking:
            worker.use_threads(max(1, self._cores // len(speaking)))

    async def _all_gone(self, timeout: float | None) -> bool:
        """Waits until no process is left; whether that is so."""
        while self._alive:
            self._gone.clear()
            try:
                await asyncio.wait_for(self._gone.wait(), timeout)
            except asyncio.TimeoutError:
                return False
        return True

    def _fill(self) -> None:
        """Starts a worker in every place that has none; at first in one, which knows how many there should be."""
        taken = {worker.place for worker in self.workers} | self._broken
        for place, device in enumerate(self._devices):
            if self.wanted and place not in taken:
                self._begin(place, device)

    def _begin(self, place: int, device: str | None) -> None:
        asked = self._settings
        threads = max(1, self._cores // len(self._devices))
        settings = WorkerSettings(
            asked.model, device, asked.dtype, asked.quantize, asked.slots, threads, self._cores, asked.device
        )
        worker = Worker(place, self._loop.time())
        self.workers.append(worker)
        self._alive.add(worker)
        try:
            worker.link = self._launch(settings, partial(self._on_message, worker), partial(self._on_end, worker))
        except OSError as error:  # no memory, no process or no file to be had
            logger.error("a worker can't be started: %s", error)
            self._on_end(worker, None)

    def _on_message(self, worker: Worker, message: FromWorker) -> None:
        worker.heard = self._loop.time()
        if worker not in self.workers:  # it was told to go
            return
        if isinstance(message, Report):
            worker.report = message
            self._owner.on_report(worker, message)
        elif isinstance(message, Ready):
            self._on_ready(worker, message)
        else:
            self._on_failure(worker, message)

    def _on_ready(self, worker: Worker, message: Ready) -> None:
        worker.ready, worker.report = message, Report(0, message.slots, 0)
        self._load_time = worker.heard - worker.began
        logger.info("a worker is ready on %s after %.1f s", message.device, self._load_time)
        if not self._known:
            count = self._settings.workers or len(message.suits)
            self._devices = [message.suits[place % len(message.suits)] for place in range(count)]
            self._known = True
        self._fill()
        self._owner.on_change()

    def _on_failure(self, worker: Worker, message: LoadFailed) -> None:
        logger.error("a worker can't load the model: %s", message.fault.text)
        self.workers.remove(worker)
        self._broken.add(worker.place)
        if not self.workers:
            self.wanted, self.failure = False, message.fault.text
        self._owner.on_change()

    def _on_end(self, worker: Worker, code: int | None) -> None:
        worker.link = None
        self._alive.discard(worker)
        self._gone.set()
        if worker not in self.workers:
            return
        self.workers.remove(worker)
        self.restarts += 1
        short = self._loop.time() - worker.began < SHORT_LIFE
        self._deaths = self._deaths + 1 if short else 0
        delay = min(LONGEST_WAIT, 2.0 ** (self._deaths - 2)) if self._deaths > 1 else 0.0
        logger.error("a worker ended unexpectedly (exit code %s): another starts in %.0f s", code, delay)
        self._loop.call_later(delay, self._fill)
        self._owner.on_lost(worker)
