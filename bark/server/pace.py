"""How fast audio is made, while there is work."""

from __future__ import annotations

import math
from collections.abc import Callable

MEMORY = 30.0  # seconds of work after which what was measured counts a third
LEAST = 1.0  # seconds of work until anything is said
FIRST_GUESS = 2.0  # seconds of audio a second, before anything was measured


class Pace:
    """Seconds of audio a second, of late.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._working = False
        self._audio = self._time = 0.0
        self.total = 0.0

    def work(self, working: bool) -> None:
        """Says whether there is work from now on."""
        self._pass()
        self._working = working

    def made(self, seconds: float) -> None:
        """Counts audio."""
        self._pass()
        self._audio += seconds
        self.total += seconds

    @property
    def rate(self) -> float:
        """Seconds of audio a second; 0 until that is known."""
        self._pass()
        return self._audio / self._time if self._time >= LEAST else 0.0

    def time_for(self, seconds: float) -> float:
        """Seconds that so much audio takes to make."""
        return seconds / (self.rate or FIRST_GUESS)

    def _pass(self) -> None:
        now = self._clock()
        if self._working:
            passed = now - self._since
            left = math.exp(-passed / MEMORY)
            self._audio, self._time = self._audio * left, self._time * left + passed
        self._since = now
