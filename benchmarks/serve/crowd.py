"""Many clients at once, and what they saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.serve.asking import Answer, ask
from benchmarks.serve.cases import SAMPLE, Case
from benchmarks.serve.host import Host

LOOK = 1.0  # seconds between two looks at the memory
RATE = 24_000


@dataclass
class Seen:
    """All answers of a run.

    Attributes:
        seconds: that the run took, until no more was asked for.
        answers: all, to the last that was asked for.
        arrived: bytes of audio within the seconds.
        memory: of the server, every second.
    """

    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    arrived: int = 0
    memory: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Seconds of audio a second."""
        return self.arrived / SAMPLE / RATE / self.seconds

    def figures(self) -> dict[str, Any]:
        """Plain values for JSON."""
        whole = [answer for answer in self.answers if answer.difference is not None]
        differences = [answer.difference or 0 for answer in whole]
        return {
            "seconds": round(self.seconds, 1),
            "audio_rate": round(self.rate, 3),
            "asked": len(self.answers),
            "whole": len(whole),
            "equal": sum(difference == 0 for difference in differences),
            "rounded_otherwise": sum(difference == 1 for difference in differences),
            "wrong": sum(difference > 1 for difference in differences),
            "cut": sum(answer.begun and not answer.whole for answer in self.answers),
            "statuses": counted(answer.status for answer in self.answers),
            "first": _quantiles([answer.first for answer in whole]),
            "total": _quantiles([answer.total for answer in whole]),
            "memory": {
                "before": self.memory[0],
                "first_tenth": max(self.memory[: len(self.memory) // 10 + 1]),
                "last_tenth": max(self.memory[-(len(self.memory) // 10 + 1) :]),
                "peak": max(self.memory),
            },
        }


async def closed_loop(host: Host, cases: Sequence[Case], clients: int, seconds: float) -> Seen:
    """Clients that each ask for one thing after another, and wait as they are told to."""
    seen, supply = Seen(), _supply(cases)
    until = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < until:
            answer = await ask(host.port, next(supply), _counting(seen, until))
            seen.answers.append(answer)
            if not answer.begun:
                await asyncio.sleep(max(0.0, min(answer.wait, until - time.perf_counter())))

    await _looked_at(host, seen, asyncio.gather(*(client() for _ in range(clients))))
    seen.seconds = seconds
    return seen


async def open_loop(host: Host, cases: Sequence[Case], pace: float, seconds: float) -> Seen:
    """Clients that come at a pace, whoever is still there; who is refused goes away."""
    seen, supply = Seen(), _supply(cases)
    begin = time.perf_counter()
    until = begin + seconds

    async def client() -> None:
        seen.answers.append(await ask(host.port, next(supply), _counting(seen, until)))

    async def clients() -> None:
        asked: set[asyncio.Future[None]] = set()
        for number in range(max(1, int(pace * seconds))):
            await asyncio.sleep(max(0.0, begin + number / pace - time.perf_counter()))
            asked.add(task := asyncio.ensure_future(client()))
            task.add_done_callback(asked.discard)
        await asyncio.gather(*asked)

    await _looked_at(host, seen, clients())
    seen.seconds = seconds
    return seen


def _supply(cases: Sequence[Case]) -> Iterator[Case]:
    while True:
        yield from cases


def _counting(seen: Seen, until: float) -> Callable[[int], None]:
    def count(size: int) -> None:
        if time.perf_counter() < until:
            seen.arrived += size

    return count


async def _looked_at(host: Host, seen: Seen, work: Awaitable[object]) -> None:
    """Does the work, with a look at the server now and then."""
    working = asyncio.ensure_future(work)
    while not working.done():
        seen.memory.append(host.held().memory)
        await asyncio.wait([working], timeout=LOOK)
    await working


def counted(statuses: Iterable[int]) -> dict[str, int]:
    """How often there is each."""
    counts: dict[str, int] = {}
    for status in statuses:
        counts[str(status)] = counts.get(str(status), 0) + 1
    return dict(sorted(counts.items()))


def _quantiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{share}": round(float(np.percentile(values, share)), 3) for share in (50, 95)}
