"""Batches made in a thread, while the model is busy with the ones before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 0.1  # seconds between looks whether anybody still wants more


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def prefetch(items: Iterator[T], depth: int = 2) -> Iterator[T]:
    """The same items, made a few ahead of their use; what their source raises is raised here.

    The thread ends with the items, or when the iterator is closed.
    """
    queue: Queue[T | _End] = Queue(depth)
    closed = threading.Event()

    def put(item: T | _End) -> None:
        while not closed.is_set():
            with suppress(Full):
                queue.put(item, timeout=PATIENCE)
                return

    def fill() -> None:
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
            put(_End())
        except BaseException as error:
            put(_End(error))

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        thread.join()
