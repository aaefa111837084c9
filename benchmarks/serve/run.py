"""The four runs: throughput and latency, clients that hang up, an end under load, and more than can be done."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bark.evaluation.machine import load_average, this_machine
from benchmarks.serve.asking import Answer, ask
from benchmarks.serve.cases import TEXTS, VOICES, Case, spoken_alone
from benchmarks.serve.crowd import closed_loop, counted, open_loop
from benchmarks.serve.host import Host

SETTLING = 60.0  # seconds in which the server must have let go of what nobody wants
ENDING = 120.0  # seconds in which it must have ended
AT_ONCE = 40  # clients that hang up at the same time


@dataclass(frozen=True)
class ServePlan:
    """What is run.

    Attributes:
        modes: of `MODES`.
        clients: how many there are at a time, one run for each.
        seconds: of each of these runs.
        overload: seconds of the run with more than can be done.
        times: of what can be done is asked for there.
        hangups: clients that leave half-way.
        model: name or folder; None for pup.
        flags: of `bark serve`.
        texts: that are asked for.
        voices: that say them.
    """

    modes: Sequence[str]
    clients: Sequence[int] = (1, 4, 16, 64)
    seconds: float = 120.0
    overload: float = 600.0
    times: float = 4.0
    hangups: int = 200
    model: str | None = None
    flags: Sequence[str] = ()
    texts: Sequence[str] = TEXTS
    voices: Sequence[str] = VOICES


Tell = Callable[[str], None]


def measure_serving(plan: ServePlan, tell: Tell) -> dict[str, Any]:
    """Runs all modes, each with a server of its own; plain values for JSON."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # not without ending the server
    tell("speaking what is asked for, alone")
    cases = spoken_alone(plan.model, plan.texts, plan.voices)
    return {"runs": {mode: _measured(mode, plan, cases, tell) for mode in plan.modes}}


def _measured(mode: str, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """A run, and where, when and how it was made: others may be replaced without it."""
    before = load_average()
    found = asyncio.run(_hosted(MODES[mode], plan, cases, tell))
    return {
        "command": f"python -m benchmarks {shlex.join(sys.argv[1:])}",
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": asdict(this_machine()),
        "load_average": {"before": before, "after": load_average()},
        "flags": list(plan.flags),
        "texts": list(plan.texts),
        **found,
    }


Run = Callable[[Host, ServePlan, Sequence[Case], Tell], Awaitable[dict[str, Any]]]


async def _hosted(run: Run, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    model = ["--model", plan.model] if plan.model else []
    with TemporaryDirectory(prefix="bark-benchmarks-") as work, Host([*model, *plan.flags], Path(work)) as host:
        await host.ready()
        await asyncio.gather(*(ask(host.port, case) for case in cases[:4]))
        found = await run(host, plan, cases, tell)
        faults = [line for line in host.log.splitlines() if " ERROR " in line or line.startswith("Traceback")]
        return {**found, "faults": faults[:5]}


async def rates(host: Host, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """So many clients, each asking for one thing after another."""
    found = []
    for clients in plan.clients:
        tell(f"{clients} clients, {plan.seconds:g} s")
        seen = await closed_loop(host, cases, clients, plan.seconds)
        found.append({"clients": clients, **seen.figures()})
        tell(f"  {found[-1]['audio_rate']:.2f} s of audio a second, first after {found[-1]['first']}")
    return {"clients": found}


async def overload(host: Host, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """Clients who come at a multiple of the pace at which they can be answered."""
    tell("measuring what can be done")
    possible = await closed_loop(host, cases, 16, min(plan.seconds, 60.0))
    answered = sum(answer.whole and answer.begun for answer in possible.answers) / max(
        answer.asked + answer.total - possible.answers[0].asked for answer in possible.answers
    )
    pace = plan.times * max(answered, 0.1)
    tell(f"{answered:.2f} answers a second; {plan.overload:g} s at {pace:.2f}")
    seen = await open_loop(host, cases, pace, plan.overload)
    return {"possible": round(answered, 3), "pace": round(pace, 3), "times": plan.times, **seen.figures()}


async def hangup(host: Host, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """Clients who leave half-way; what is left of them."""
    tell(f"{plan.hangups} clients hang up")
    turns = asyncio.Semaphore(AT_ONCE)

    async def leave(number: int) -> Answer:
        async with turns:
            return await ask(host.port, cases[number % len(cases)], part=0.5)

    await asyncio.gather(*map(leave, range(AT_ONCE)))  # the server has then what it takes for so many
    await _settled(host)
    before = host.held()
    answers = await asyncio.gather(*map(leave, range(plan.hangups)))
    begin = time.perf_counter()
    left = await _settled(host)
    free = time.perf_counter() - begin
    after, answer = host.held(), await ask(host.port, cases[0])
    return {
        "clients": len(answers),
        "left_half_way": sum(answer.begun and not answer.whole for answer in answers),
        "seconds_until_free": round(free, 2),
        "jobs": left["bark_jobs"],
        "rows": left["bark_rows"],
        "before": asdict(before),
        "after": asdict(after),
        "answers_after": answer.difference in (0, 1),
    }


async def term(host: Host, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """The server is told to end while it answers."""
    return await _ended(host, cases, tell, group=False)


async def term_group(host: Host, plan: ServePlan, cases: Sequence[Case], tell: Tell) -> dict[str, Any]:
    """All of its processes are, as a terminal or a service manager does."""
    return await _ended(host, cases, tell, group=True)


async def _ended(host: Host, cases: Sequence[Case], tell: Tell, group: bool) -> dict[str, Any]:
    tell(f"ending the server{'s processes' if group else ''} while 24 clients are answered")
    begun: set[int] = set()

    async def client(number: int) -> Answer:
        return await ask(host.port, cases[number % len(cases)], lambda size: begun.add(number))

    asking = [asyncio.ensure_future(client(number)) for number in range(24)]
    while len(begun) < 6 and not all(task.done() for task in asking):
        await asyncio.sleep(0.01)
    in_time = {number for number in begun if not asking[number].done()}
    host.tell(signal.SIGTERM, group)
    told = time.perf_counter()
    answers = await asyncio.gather(*asking)
    code = await host.ended(ENDING)
    return {
        "clients": len(answers),
        "begun": len(in_time),
        "finished": sum(answers[number].difference in (0, 1) for number in in_time),
        "cut": sum(answer.begun and not answer.whole for answer in answers),
        "wrong": sum((answer.difference or 0) > 1 for answer in answers),
        "statuses": counted(answer.status for answer in answers),
        "seconds_until_the_end": round(time.perf_counter() - told, 2),
        "exit_code": code,
    }


async def _settled(host: Host) -> dict[str, float]:
    """What is left to do after a while; nothing, where all is well."""
    begin = time.perf_counter()
    while True:
        now = await host.metrics()
        idle = not now["bark_jobs"] and not now["bark_rows"]
        if idle or time.perf_counter() - begin > SETTLING:
            return now
        await asyncio.sleep(0.05)


MODES: dict[str, Run] = {
    "rates": rates,
    "hangup": hangup,
    "term": term,
    "term-group": term_group,
    "overload": overload,
}
