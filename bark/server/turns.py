"""Whose turn it is to speak a line."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

W = TypeVar("W", bound=Hashable)


@dataclass(eq=False)
class Wish(Generic[W]):
    """A job that may want a turn.

    Attributes:
        client: who shares with others.
        bulk: comes after all that don't.
        left: seconds of audio that are still expected, for those who ask how long it will take.
        home: where it must speak; None as long as it may anywhere.
        speaking: whether it has a turn.
        order: when it began to wait; None while it doesn't.
    """

    client: str
    bulk: bool
    left: float = 0.0
    home: W | None = None
    speaking: bool = False
    order: int | None = None


@dataclass
class _Client(Generic[W]):
    """Those of a client that wait, by where they may speak, in the order in which they began to.

    Attributes:
        jobs: that it has here, waiting or not.
        rows: turns that it has now.
        since: when it last came, got a turn or ended one.
    """

    since: int
    jobs: int = 0
    rows: int = 0
    lanes: dict[W | None, OrderedDict[int, Wish[W]]] = field(default_factory=dict)

    def first(self, free: Collection[W]) -> Wish[W] | None:
        """Who has waited longest of those that may speak at one of these places."""
        heads = (next(iter(self.lanes[place].values())) for place in (None, *free) if self.lanes.get(place))
        return min(heads, key=lambda wish: wish.order or 0, default=None)


class Turns(Generic[W]):
    """Gives turns: bulk jobs last; then to the client that has the fewest, or among these has gone without longest;
    then to the one of its jobs that has waited longest.
    """

    def __init__(self) -> None:
        self._clients: tuple[dict[str, _Client[W]], dict[str, _Client[W]]] = {}, {}
        self._ticks = count(1)

    def enter(self, wish: Wish[W]) -> None:
        """Takes a job, which doesn't wait yet."""
        clients = self._clients[wish.bulk]
        if wish.client not in clients:
            clients[wish.client] = _Client(next(self._ticks))
        clients[wish.client].jobs += 1

    def leave(self, wish: Wish[W]) -> None:
        """Forgets a job."""
        self.hold(wish)
        self.done(wish)
        client = self._of(wish)
        client.jobs -= 1
        if not client.jobs:
            del self._clients[wish.bulk][wish.client]

    def want(self, wish: Wish[W]) -> None:
        """It waits for a turn."""
        if wish.order is None:
            wish.order = next(self._ticks)
            self._of(wish).lanes.setdefault(wish.home, OrderedDict())[wish.order] = wish

    def hold(self, wish: Wish[W]) -> None:
        """It doesn't wait any more."""
        if wish.order is not None:
            lanes = self._of(wish).lanes
            del lanes[wish.home][wish.order]
            if not lanes[wish.home]:
                del lanes[wish.home]
            wish.order = None

    def next(self, free: Collection[W]) -> Wish[W] | None:
        """Whose turn it is where there is room; None if nobody waits who could speak there."""
        for clients in self._clients:
            firsts = ((client, client.first(free)) for client in clients.values())
            waiting = [(client, wish) for client, wish in firsts if wish]
            if waiting:
                return min(waiting, key=lambda pair: (pair[0].rows, pair[0].since))[1]
        return None

    def give(self, wish: Wish[W], home: W) -> None:
        """It has its turn, and speaks there from now on."""
        self.hold(wish)
        wish.home, wish.speaking = home, True
        client = self._of(wish)
        client.rows += 1
        client.since = next(self._ticks)

    def done(self, wish: Wish[W]) -> None:
        """Its turn is over, if it has one."""
        if wish.speaking:
            wish.speaking = False
            client = self._of(wish)
            client.rows -= 1
            client.since = next(self._ticks)

    def waiting(self) -> Iterator[Wish[W]]:
        """All that wait."""
        for clients in self._clients:
            for client in clients.values():
                for lane in client.lanes.values():
                    yield from lane.values()

    def count(self, bulk: bool, name: str | None = None) -> int:
        """How many wait: of all clients, or of one."""
        clients = self._clients[bulk]
        chosen = clients.values() if name is None else filter(None, [clients.get(name)])
        return sum(len(lane) for client in chosen for lane in client.lanes.values())

    def _of(self, wish: Wish[W]) -> _Client[W]:
        return self._clients[wish.bulk][wish.client]
