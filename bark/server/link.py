"""A worker's process, as the scheduler holds it: messages out, messages in, and word of its end."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol, TypeAlias
from weakref import WeakSet

from bark.server.messages import FromWorker, ToWorker, WorkerSettings
from bark.server.worker import MakeEngine, work

logger = logging.getLogger(__name__)
PARTING = 5.0  # seconds that a process may take to end after it has hung up


class Link(Protocol):
    """A worker, wherever it is."""

    pid: int

    def send(self, message: ToWorker) -> None:
        """Sends a message, some time; who sends doesn't wait."""

    def kill(self) -> None:
        """Ends the worker, whatever it does. That it has ended is told as ever."""


Launch: TypeAlias = Callable[[WorkerSettings, Callable[[FromWorker], None], Callable[[int | None], None]], Link]


def launcher(make: MakeEngine) -> Launch:
    """Starts processes whose engines are made in this way; `make` is found by its name there."""

    def launch(
        settings: WorkerSettings, on_message: Callable[[FromWorker], None], on_end: Callable[[int | None], None]
    ) -> Link:
        return ProcessLink(settings, make, on_message, on_end)

    return launch


class ProcessLink:
    """A process, started at once.

    One thread reads what it sends and waits for its end; another writes, so that a worker which doesn't read keeps
    nobody else waiting. What comes is told in the event loop.

    Args:
        settings: of the worker.
        make: its engine.
        on_message: called with each message.
        on_end: called once, with the exit code, when the process is gone.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        make: MakeEngine,
        on_message: Callable[[FromWorker], None],
        on_end: Callable[[int | None], None],
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._loop = asyncio.get_running_loop()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, settings, make), name="bark worker", daemon=True)
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        self._outbox: SimpleQueue[ToWorker | None] = SimpleQueue()
        self._lock = threading.Lock()
        _running.add(self)
        self._writer = threading.Thread(target=self._write, name="worker outbox", daemon=True)
        self._writer.start()
        self._reader = threading.Thread(target=self._read, args=(on_message, on_end), name="worker inbox", daemon=True)
        self._reader.start()

    def send(self, message: ToWorker) -> None:
        """Sends a message."""
        self._outbox.put(message)

    def kill(self) -> None:
        """Ends the process, which can't refuse."""
        with self._lock, contextlib.suppress(ValueError):  # it is closed: it has ended
            self._process.kill()

    def wait(self) -> None:
        """Until the process is gone, and what belongs to it."""
        self._reader.join()

    def _write(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._connection.send(message)
            except OSError:  # it has hung up; `_read` sees that too
                return

    def _read(self, on_message: Callable[[FromWorker], None], on_end: Callable[[int | None], None]) -> None:
        try:
            while True:
                self._call(on_message, self._connection.recv())
        except (EOFError, OSError):
            pass
        except (pickle.UnpicklingError, MemoryError):
            logger.exception("a worker sent what can't be read")
        self._call(on_end, self._buried())

    def _buried(self) -> int | None:
        """Waits for the process, and lets go of all that belongs to it; its exit code."""
        self._process.join(PARTING)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._outbox.put(None)
        self._writer.join()
        self._connection.close()
        with self._lock:
            self._process.close()
        _running.discard(self)
        return code

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed; nobody wants to know
            self._loop.call_soon_threadsafe(callback, *arguments)


_running: WeakSet[ProcessLink] = WeakSet()


@atexit.register  # after `multiprocessing` has registered its own, which would wait for them, so that this comes first
def _end_all() -> None:
    """Whoever ends without a word to the scheduler leaves no worker behind."""
    links = list(_running)
    for link in links:
        link.kill()
    for link in links:
        link.wait()
