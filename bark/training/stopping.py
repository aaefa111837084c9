"""When a run ends before its last step: a signal, or no time left."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Within it, SIGTERM and SIGINT ask the run to save and stop, and so does the time.

    Args:
        minutes: from now; 0 for no limit.
    """

    def __init__(self, minutes: float = 0.0) -> None:
        self._until = time.monotonic() + minutes * 60 if minutes else float("inf")
        self._signal: int | None = None
        self._previous: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether to stop now."""
        return self._signal is not None or time.monotonic() > self._until

    def obey(self) -> None:
        """Does what the signal that came, if any, would have done, so that whoever started the run stops too.

        Raises:
            KeyboardInterrupt: SIGINT came.
            SystemExit: SIGTERM came; the status is 128 + 15, as a shell gives it.
        """
        if self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self._signal is not None:
            raise SystemExit(128 + self._signal)

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signal = number


class Every:
    """True once in so many minutes."""

    def __init__(self, minutes: float) -> None:
        self._seconds, self._last = minutes * 60, time.monotonic()

    def due(self) -> bool:
        """Whether the time has come; if so, it starts anew."""
        now = time.monotonic()
        if now - self._last <= self._seconds:
            return False
        self._last = now
        return True
