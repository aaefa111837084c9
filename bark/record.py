"""What happens while an utterance is made: what each stage gave, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Progress = Callable[[str, float, bool], None]  # stage, seconds of speech so far, whether it has ended


class Record:
    """Watches a chain of iterators, each of which draws on the one before.

    Attributes:
        timings: seconds that each stage computed, without those it drew on.
        pieces: what each stage gave, in order.

    Args:
        progress: called with every piece.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.timings: dict[str, float] = {}
        self.pieces: dict[str, list[Any]] = {}
        self._progress = progress or (lambda stage, seconds, ended: None)
        self._running: list[str] = []
        self._since = time.perf_counter()

    def watch(self, stage: str, source: Iterator[T], seconds: Callable[[T], float]) -> Iterator[T]:
        """Passes on a stage's pieces, and notes them.

        Args:
            stage: its name.
            source: its pieces.
            seconds: of speech that a piece is worth.
        """
        pieces: list[T] = self.pieces.setdefault(stage, [])
        total = 0.0
        while True:
            with self.running(stage):
                piece = next(source, None)
            if piece is None:
                break
            pieces.append(piece)
            total += seconds(piece)
            self._progress(stage, total, False)
            yield piece
        self._progress(stage, total, True)

    def tell(self, stage: str, seconds: float, ended: bool) -> None:
        """Tells of the progress of a stage that isn't watched."""
        self._progress(stage, seconds, ended)

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Counts the time of the block to a stage; blocks may be nested, and the inner one counts."""
        self._charge()
        self._running.append(stage)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._running:
            stage = self._running[-1]
            self.timings[stage] = self.timings.get(stage, 0.0) + now - self._since
        self._since = now
