"""What a worker speaks with: a model, a flow of lines through it, and the readers of jobs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bark.errors import BarkWarning
from bark.flow import Failed, Flow
from bark.parts import Parts
from bark.pipeline import Bark
from bark.request import FloatArray, Take
from bark.server.messages import Audio, Begin, Event, LineEnded, Ready, Warned, WorkerSettings
from bark.server.reader import Reader
from bark.server.worker import fault_of
from bark.speaking import Speaking

SMALL = 200 << 20  # bytes of weights; of such models a process for each core has one
SLOTS = {"cpu": 8}
MANY_SLOTS = 16  # on other devices


class BarkEngine:
    """A `bark.server.worker.Engine` of a real model, loaded at once.

    Args:
        settings: of the worker.

    Raises:
        BarkError: the model can't be loaded in this way.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self.use_threads(settings.threads)
        bark = Bark(settings.model, settings.device, settings.dtype, quantize=settings.quantize)
        bark.parts.load()
        self._speaking = Speaking(bark.parts)
        slots = settings.slots or SLOTS.get(bark.device.type, MANY_SLOTS)
        self._flow: Flow[int] = Flow(self._speaking, slots)
        self._readers: dict[int, Reader] = {}
        self._warnings: list[Event] = []
        self.ready = Ready(str(bark.device), slots, suiting_devices(bark.parts, settings))

    @property
    def free(self) -> int:
        """Lines that can be begun."""
        return self._flow.free

    @property
    def rows(self) -> int:
        """Lines that are being spoken."""
        return len(self._flow)

    def use_threads(self, count: int) -> None:
        """Computes with so many from now on."""
        torch.set_num_threads(count)

    def open(self, asked: Begin) -> None:
        """Makes a job ready; raises as `Reader` does."""
        with self._noting(asked.key):
            self._readers[asked.key] = Reader(self._speaking, asked)

    def turn(self, key: int) -> None:
        """Begins the next line of a job, if it hasn't failed before."""
        if key in self._readers:
            with self._noting(key):
                self._flow.begin(key, self._readers[key].next())

    def close(self, key: int) -> None:
        """Gives a job up, if it is there."""
        self._flow.cancel(key)
        self._readers.pop(key, None)

    def step(self) -> list[Event]:
        """Goes on a little with all lines; all of the step is done when it returns."""
        return [*self._warned(), *self._stepped()]

    def _stepped(self) -> Iterator[Event]:
        for key, item in self._flow.step():
            if isinstance(item, Failed):
                self.close(key)
                yield LineEnded(key, more=False, fault=fault_of(item.error))
            elif isinstance(item, Take):
                yield from self._finished(key, item)
            else:
                yield from _audio(key, self._readers[key].heard(item))

    def _finished(self, key: int, take: Take) -> Iterator[Event]:
        reader = self._readers[key]
        try:
            with self._noting(key):
                rest = reader.finish(take)
        except Exception as error:
            self.close(key)
            yield LineEnded(key, more=False, fault=fault_of(error))
            return
        if not isinstance(rest, list):
            self._flow.begin(key, rest)
            return
        yield from self._warned()
        yield from _audio(key, rest)
        if not reader.more:
            self._readers.pop(key)
        yield LineEnded(key, reader.more, len(take.request.ids), len(take.record.pieces["semantic"]))

    @contextmanager
    def _noting(self, key: int) -> Iterator[None]:
        """Keeps what the block warns of, for the job."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", BarkWarning)
            yield
        self._warnings += [Warned(key, str(each.message)) for each in caught if each.category is BarkWarning]

    def _warned(self) -> list[Event]:
        """What was noted since."""
        noted, self._warnings = self._warnings, []
        return noted


def suiting_devices(parts: Parts, settings: WorkerSettings) -> tuple[str | None, ...]:
    """The device of each worker that there should be: all GPUs unless one is named, all cores for a small model."""
    if parts.device.type == "cuda" and settings.asked in (None, "cuda"):
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
    small = parts.device.type == "cpu" and _weights(parts) <= SMALL
    return (settings.asked,) * (settings.cores if small else 1)


def _weights(parts: Parts) -> int:
    """Bytes of all that is loaded."""
    modules = [parts.module(part) for part in ("semantic", "coarse", "fine", "codec")]
    tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
    return sum(tensor.nbytes for tensor in tensors)


def _audio(key: int, pieces: list[FloatArray]) -> list[Event]:
    return [Audio(key, piece.tobytes()) for piece in pieces if len(piece)]
