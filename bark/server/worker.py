"""A worker: a process with a model of its own, which speaks what the scheduler gives it turns for."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from bark.errors import BarkError
from bark.server.messages import (
    Begin,
    Cancel,
    Event,
    Fault,
    LineEnded,
    LoadFailed,
    Ready,
    Report,
    Stop,
    Threads,
    ToWorker,
    Turn,
    WorkerSettings,
)

logger = logging.getLogger(__name__)
PULSE = 5.0  # seconds after which a worker says that it is alive
INSIDE = "something went wrong inside while this was spoken"


class Engine(Protocol):
    """What a worker speaks with. A job's errors are events of it; what else is raised ends the worker."""

    ready: Ready

    def open(self, asked: Begin) -> None:
        """Makes a job ready.

        Raises:
            BarkError: it can't be spoken.
        """

    def turn(self, key: int) -> None:
        """Begins the next line of a job; errors as of `open`."""

    def close(self, key: int) -> None:
        """Gives a job up, if it is there: its row is free at once."""

    def step(self) -> Iterable[Event]:
        """Goes on a little with all lines."""

    def use_threads(self, count: int) -> None:
        """Computes with so many from now on."""

    @property
    def free(self) -> int:
        """Lines that can be begun."""

    @property
    def rows(self) -> int:
        """Lines that are being spoken."""


MakeEngine: TypeAlias = Callable[[WorkerSettings], Engine]


def work(connection: Connection, settings: WorkerSettings, make: MakeEngine) -> None:
    """All that the process does, until it is told to stop or nobody is there to tell it."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to all processes at once; the scheduler says when to end
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    inbox = Inbox(connection)
    try:
        _serve(connection, inbox, settings, make)
    except (BrokenPipeError, ConnectionResetError):
        return  # whoever started it is gone, and the inbox, which would say so, wasn't heard yet


def _serve(connection: Connection, inbox: Inbox, settings: WorkerSettings, make: MakeEngine) -> None:
    """Loads, and works until it is told to stop."""
    try:
        engine = make(settings)
    except BarkError as error:
        connection.send(LoadFailed(Fault.of(error)))
        return
    connection.send(engine.ready)
    Worker(engine, inbox, connection.send).run()


class Inbox:
    """Messages, taken from the connection as they come, so that who sends them never waits.

    Args:
        connection: whose other end is the scheduler's; when that is closed, this process has lost its purpose.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: SimpleQueue[ToWorker] = SimpleQueue()
        threading.Thread(target=self._receive, name="inbox", daemon=True).start()

    def take(self, wait: bool) -> Iterator[ToWorker]:
        """Those that have come; if there are none and `wait`, the next."""
        try:
            if wait:
                yield self._messages.get()
            while True:
                yield self._messages.get_nowait()
        except Empty:
            return

    def _receive(self) -> None:
        try:
            while True:
                self._messages.put(self._connection.recv())
        except (EOFError, OSError):
            os._exit(0)  # from a thread, `sys.exit` would end the thread alone


class Worker:
    """Messages in, reports out, and a step between.

    Args:
        engine: that speaks.
        inbox: of messages.
        send: of answers.
    """

    def __init__(self, engine: Engine, inbox: Inbox, send: Callable[[Report], None]) -> None:
        self._engine, self._inbox, self._send = engine, inbox, send
        self._turns = 0
        self._told = Report(0, engine.free, 0)
        self._told_at = 0.0

    def run(self) -> None:
        """Until it is told to stop."""
        while True:
            events: list[Event] = []
            for message in self._inbox.take(wait=not self._engine.rows):
                if isinstance(message, Stop):
                    return
                events += self._obey(message)
            if self._engine.rows:
                events += self._engine.step()
            self._report(events)

    def _obey(self, message: ToWorker) -> Iterator[Event]:
        try:
            if isinstance(message, Begin):
                self._engine.open(message)
            elif isinstance(message, Turn):
                self._turns += 1
                self._engine.turn(message.key)
            elif isinstance(message, Cancel):
                self._engine.close(message.key)
            elif isinstance(message, Threads):
                self._engine.use_threads(message.count)
        except Exception as error:
            assert isinstance(message, Begin | Turn), message
            self._engine.close(message.key)
            yield LineEnded(message.key, more=False, fault=fault_of(error))

    def _report(self, events: list[Event]) -> None:
        now = time.monotonic()
        report = Report(self._turns, self._engine.free, self._engine.rows, tuple(events))
        if report != self._told or now - self._told_at > PULSE:
            self._send(report)
            self._told, self._told_at = Report(report.turns, report.free, report.rows), now


def bark_engine(settings: WorkerSettings) -> Engine:
    """The engine of a real model; raises as `BarkEngine`. Torch is imported here, and not where this is named."""
    from bark.server.engine import BarkEngine

    return BarkEngine(settings)


def fault_of(error: Exception) -> Fault:
    """What a client may know of an error; of an unexpected one the log tells where, and not what was said."""
    if isinstance(error, BarkError):
        return Fault.of(error)
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("a job failed: %s\n%s", type(error).__name__, where)
    return Fault("EngineError", INSIDE)
