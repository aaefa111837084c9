"""Who speaks when: jobs are taken or refused, given turns on the workers, and ended."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from functools import partial
from itertools import count

import numpy as np

from bark.errors import BarkError
from bark.server.admission import SOONEST, Admission
from bark.server.crew import Crew, Worker
from bark.server.jobs import (
    EngineError,
    Job,
    Late,
    NotReady,
    SchedulerSettings,
    Snapshot,
    Speech,
    State,
    VoiceInfo,
)
from bark.server.library import Library
from bark.server.link import Launch, launcher
from bark.server.messages import Audio, Cancel, Event, LineEnded, Report, Turn, Warned
from bark.server.pace import Pace
from bark.server.tasks import LEAST_LEFT, Clock, Task, expected_seconds
from bark.server.turns import Turns
from bark.server.worker import bark_engine

TICK = 1.0  # seconds


class Scheduler:
    """Speaks jobs, many at a time. All of it is for one event loop.

        scheduler = Scheduler(SchedulerSettings(model="pup"))
        await scheduler.start()
        async with aclosing(await scheduler.submit(Job("Hello!"))) as speech:
            async for piece in speech:
                …
        await scheduler.drain(60)

    Lines are what is shared out: a job that has more than one waits for a turn with each, so a long text gives way
    to others. See `bark.server.turns` for the order.

    Args:
        settings: how jobs are made.
        launch: starts a worker; a process of its own, unless a test has others.
    """

    def __init__(self, settings: SchedulerSettings | None = None, launch: Launch | None = None) -> None:
        self.settings = settings or SchedulerSettings()
        self._launch = launch or launcher(bark_engine)
        self._turns: Turns[Worker] = Turns()
        self._tasks: dict[int, Task] = {}
        self._keys = count(1)
        self._ended: Counter[str] = Counter()
        self._closing: State | None = None
        self._idle = asyncio.Event()

    async def start(self) -> None:
        """Begins to load the model, unless that is left to the first job; returns at once.

        Raises:
            WeightsNotFoundError: there is no such model.
            CheckpointError: its config is broken.
        """
        loop = asyncio.get_running_loop()
        self._library = await asyncio.to_thread(Library, self.settings.model)
        self._pace = Pace(loop.time)
        self._admission = Admission(self.settings, self._turns, self._pace)
        self._crew = Crew(self.settings, self._launch, self)
        self._rest = Clock(self.settings.idle_unload, self._crew.dismiss)
        self._tick()
        if not self.settings.lazy:
            self._crew.start()

    @property
    def state(self) -> State:
        """What can be asked of it now: `idle` and `loading` take jobs too, and have them wait."""
        if self._closing:
            return self._closing
        if self._crew.failure is not None:
            return "failed"
        return "ready" if self._crew.ready else "loading" if self._crew.wanted else "idle"

    @property
    def failure(self) -> str | None:
        """Why the model can't be loaded, for whoever runs the server; None unless the state is `failed`."""
        return self._crew.failure

    @property
    def sample_rate(self) -> int:
        """Of all speech, Hz."""
        return self._library.space.sample_rate

    async def voices(self) -> list[VoiceInfo]:
        """The voices of the model's library that are there now."""
        return await asyncio.to_thread(self._library.voices)

    async def submit(self, job: Job) -> Speech:
        """Takes a job. Whoever does so closes the speech, or asks it for pieces until there are no more.

        Raises:
            Busy: as many jobs wait as may.
            NotReady: no jobs are taken.
            TextError: there is nothing to say.
            VoiceError: there is no such voice, or it is not of this model.
        """
        self._refuse()
        job = self._library.check(job)
        self._admission.check(job.client)
        self._crew.start()
        if not self._crew.ready and not self.settings.load_wait:
            raise self._loading()
        task = self._task(job)
        self._tasks[task.key] = task
        self._turns.enter(task)
        self._turns.want(task)
        self._rest.reset()
        self._dispatch()
        return task.speech

    async def drain(self, grace: float) -> None:
        """Takes no more jobs, finishes those that have begun, then ends the workers.

        Args:
            grace: seconds for finishing; what isn't done then is given up.
        """
        self._closing = "draining"
        self._end_all("the server is about to stop", begun=False)
        if self._tasks:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), grace)
            except asyncio.TimeoutError:
                self._end_all("the server stopped before this was done", begun=True)
        self._ticking.cancel()
        self._rest.stop()
        await self._crew.stop()
        self._closing = "stopped"

    def snapshot(self) -> Snapshot:
        """How things stand."""
        workers = [worker.snapshot() for worker in self._crew.workers]
        return Snapshot(
            state=self.state,
            jobs=len(self._tasks),
            waiting=self._turns.count(bulk=False),
            waiting_bulk=self._turns.count(bulk=True),
            held=sum(task.held for task in self._tasks.values()),
            rows=sum(worker.rows for worker in workers),
            slots=sum(worker.ready.slots for worker in self._crew.workers if worker.ready),
            audio_seconds=self._pace.total,
            audio_rate=self._pace.rate,
            restarts=self._crew.restarts,
            workers=tuple(workers),
            ended=dict(self._ended),
        )

    def on_report(self, worker: Worker, report: Report) -> None:
        """Passes on what a worker made."""
        for event in report.events:
            task = self._tasks.get(event.key)
            if task is not None:  # it may have been given up
                self._on_event(worker, task, event)
        self._dispatch()

    def on_change(self) -> None:
        """A worker is ready, or none will be."""
        if self._crew.failure is not None:
            self._end_all("the model can't be loaded", begun=True)
        elif not self._tasks:
            self._rest.run()
        self._dispatch()

    def on_lost(self, worker: Worker) -> None:
        """Ends the jobs of a worker that is gone."""
        for task in [task for task in self._tasks.values() if task.home is worker]:
            self._end(task, "failed", EngineError("the process that spoke this ended unexpectedly; ask again"))
        self._dispatch()

    def _refuse(self) -> None:
        if self._closing:
            raise NotReady("the server is about to stop", self._closing, SOONEST)
        if self.state == "failed":
            raise NotReady("the model can't be loaded", "failed")

    def _loading(self) -> NotReady:
        return NotReady("the model is being loaded", "loading", math.ceil(self._crew.time_to_load))

    def _task(self, job: Job) -> Task:
        key, seed = next(self._keys), job.options.seed if job.options else None
        seed = secrets.randbelow(2**32) if seed is None else seed
        speech = Speech(self.sample_rate, seed, partial(self._on_taken, key), partial(self._on_close, key))
        task = Task(
            client=job.client,
            bulk=job.bulk,
            key=key,
            job=job,
            speech=speech,
            left=expected_seconds(job),
            deadline=Clock(job.deadline, partial(self._on_deadline, key)),
            patience=Clock(self.settings.load_wait, partial(self._on_impatience, key)),
        )
        task.deadline.run()
        if not self._crew.ready:
            task.patience.run()
        return task

    def _dispatch(self) -> None:
        """Gives the turns that can be given."""
        while free := [worker for worker in self._crew.ready if worker.free > 0]:
            task = self._turns.next(free)
            if task is None:
                break
            assert isinstance(task, Task)
            self._speak(task, task.home or min(free, key=lambda worker: (worker.left, worker.rows)))
        self._pace.work(any(worker.rows for worker in self._crew.ready))
        self._crew.share_threads()

    def _speak(self, task: Task, worker: Worker) -> None:
        """Gives a job its turn."""
        task.patience.stop()
        now = asyncio.get_running_loop().time()
        if task.home is None:
            worker.jobs += 1
            worker.left += task.left
            worker.send(task.begin, now)
        self._turns.give(task, worker)
        worker.send(Turn(task.key), now)

    def _on_event(self, worker: Worker, task: Task, event: Event) -> None:
        if isinstance(event, Audio):
            self._on_audio(worker, task, np.frombuffer(event.data, dtype=np.float32))
        elif isinstance(event, Warned):
            task.speech.warn(event.text)
        else:
            self._on_line(task, event)

    def _on_audio(self, worker: Worker, task: Task, piece: np.typing.NDArray[np.float32]) -> None:
        seconds = len(piece) / self.sample_rate
        done = min(seconds, max(0.0, task.left - LEAST_LEFT))
        task.left -= done
        worker.left -= done
        self._pace.made(seconds)
        task.speech.put(piece)

    def _on_line(self, task: Task, event: LineEnded) -> None:
        task.speech.text_tokens += event.text_tokens
        task.speech.audio_tokens += event.audio_tokens
        self._turns.done(task)
        if event.fault:
            self._end(task, "failed", event.fault.error(), told=True)
        elif not event.more:
            self._end(task, "done", None, told=True)
        elif task.speech.ahead > self.settings.ahead:
            task.held = True
            task.deadline.stop()
        else:
            self._turns.want(task)

    def _on_taken(self, key: int) -> None:
        """Goes on with a job whose client has caught up."""
        task = self._tasks.get(key)
        if task and task.held and task.speech.ahead <= self.settings.ahead:
            task.held = False
            task.deadline.run()
            self._turns.want(task)
            self._dispatch()

    def _on_close(self, key: int) -> None:
        if key in self._tasks:
            self._end(self._tasks[key], "cancelled", None)
            self._dispatch()

    def _on_deadline(self, key: int) -> None:
        task = self._tasks[key]
        self._end(task, "late", Late(f"this wasn't done within {task.job.deadline:g} s"))
        self._dispatch()

    def _on_impatience(self, key: int) -> None:
        self._end(self._tasks[key], "failed", self._loading())

    def _end_all(self, text: str, begun: bool) -> None:
        """Ends jobs, all of them or those that haven't begun, because no more are made."""
        for task in list(self._tasks.values()):
            if begun or task.home is None:
                self._end(task, "failed", NotReady(text, self.state, None if self.state == "failed" else SOONEST))

    def _end(self, task: Task, how: str, error: BarkError | None, told: bool = False) -> None:
        """Forgets a job; its worker too, unless it told."""
        del self._tasks[task.key]
        self._turns.leave(task)
        task.stop_clocks()
        if task.home:
            task.home.jobs -= 1
            task.home.left -= task.left
            if not told:
                task.home.send(Cancel(task.key))
        self._ended[how] += 1
        task.speech.end(error)
        if not self._tasks:
            self._idle.set()
            self._rest.run()

    def _tick(self) -> None:
        """What is looked after now and then."""
        self._crew.check()
        self._ticking = asyncio.get_running_loop().call_later(TICK, self._tick)
