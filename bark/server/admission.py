"""Who may wait, and what is told to those who may not."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

from bark.server.jobs import Busy, SchedulerSettings
from bark.server.pace import Pace
from bark.server.turns import Turns

W = TypeVar("W", bound=Hashable)
SOONEST, LATEST = 1.0, 60.0  # seconds after which a client may be told to ask again


class Admission(Generic[W]):
    """Bounds how many wait.

    Args:
        settings: have the bounds.
        turns: know who waits.
        pace: how fast it gets less.
    """

    def __init__(self, settings: SchedulerSettings, turns: Turns[W], pace: Pace) -> None:
        self._settings, self._turns, self._pace = settings, turns, pace

    def check(self, client: str) -> None:
        """Whether a job of this client may wait.

        Raises:
            Busy: as many wait as may.
        """
        all_, own = self._settings.max_queue, self._settings.max_client_queue
        if self._waiting(None) >= all_:
            raise Busy(f"{all_} requests wait already, and no more may", self._retry_after())
        if own is not None and self._waiting(client) >= own:
            raise Busy(f"{own} of your requests wait already, and no more may", self._retry_after())

    def _waiting(self, client: str | None) -> int:
        return self._turns.count(False, client) + self._turns.count(True, client)

    def _retry_after(self) -> float:
        """Seconds until half of what waits is done: sooner, most of those who come again would come for nothing."""
        left = sum(wish.left for wish in self._turns.waiting())
        return float(math.ceil(min(LATEST, max(SOONEST, self._pace.time_for(left / 2)))))
