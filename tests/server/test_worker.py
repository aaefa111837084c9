"""Workers as processes, with an engine that needs no model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bark.errors import TextError
from bark.server.jobs import EngineError, Job, NotReady, Speech
from bark.server.link import launcher
from bark.server.scheduler import Scheduler
from tests.server.fake_workers import heard, run, spoken, started, until, word_engine, word_job

FDS = Path("/proc/self/fd")


@asynccontextmanager
async def words(**settings: object) -> AsyncIterator[Scheduler]:
    """A scheduler whose workers speak by `WordEngine`."""
    scheduler = await started(launcher(word_engine), **{"workers": 2, **settings})
    try:
        yield scheduler
    finally:
        await scheduler.drain(0)


def children() -> list[str]:
    """Processes of this one, but for the one that `multiprocessing` keeps for itself."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    ).stdout.splitlines()
    return [line for line in found if "resource_tracker" not in line and not line.endswith(f"--ppid {os.getpid()}")]


def test_many_jobs_come_out_whole_and_unmixed() -> None:
    async def main() -> None:
        async with words(max_queue=1000) as scheduler:
            jobs = [word_job("a bcd ef"[: 1 + index % 8].strip(), index, client=str(index % 7)) for index in range(300)]
            audio = await asyncio.gather(*[heard(await scheduler.submit(job)) for job in jobs])
            for index, (job, each) in enumerate(zip(jobs, audio, strict=True)):
                assert np.array_equal(each, spoken(index, len(job.text.replace(" ", "")))), job
            now = scheduler.snapshot()
            assert (now.ended, now.jobs, now.rows, now.waiting) == ({"done": 300}, 0, 0, 0)
            assert [worker.jobs for worker in now.workers] == [0, 0]
            assert all(worker.left == pytest.approx(0) for worker in scheduler._crew.workers)
            assert all(worker.memory > 1 << 20 for worker in now.workers)

    run(main())


def test_faults_and_warnings_cross_over() -> None:
    async def main() -> None:
        async with words(workers=1) as scheduler:
            with pytest.raises(TextError, match="this can't be said"):
                await (await scheduler.submit(word_job("refuse", 1))).begun()
            speech = await scheduler.submit(word_job("fine fail", 2))
            with pytest.raises(EngineError) as told:
                await heard(speech)
            assert "nobody may see this" not in str(told.value)
            speech = await scheduler.submit(word_job("warn", 3))
            assert np.array_equal(await heard(speech), spoken(3, 4))
            assert (speech.warnings, speech.text_tokens, speech.audio_tokens) == (["a warning"], 1, 1)
            assert scheduler.snapshot().restarts == 0

    run(main())


def test_given_up_jobs_leave_no_row() -> None:
    async def main() -> None:
        async with words(workers=1, slots=2) as scheduler:
            speeches = [await scheduler.submit(word_job("x" * 100_000, index)) for index in range(10)]
            await speeches[0].begun()
            for speech in speeches:
                await speech.aclose()
            assert len(await heard(await scheduler.submit(word_job("yes", 1)))) > 0
            await until(lambda: scheduler.snapshot().rows == 0)
            assert scheduler.snapshot().ended == {"cancelled": 10, "done": 1}

    run(main())


def test_a_killed_worker_takes_only_its_own_jobs_with_it() -> None:
    async def main() -> None:
        async with words(slots=1) as scheduler:
            await until(lambda: scheduler.snapshot().slots == 2)
            bad = await scheduler.submit(word_job("x" * 100_000, 1))
            await bad.begun()
            (worker,) = [worker for worker in scheduler.snapshot().workers if worker.rows]
            good = [await scheduler.submit(word_job("fine day", index)) for index in range(2, 12)]
            os.kill(worker.pid, signal.SIGKILL)
            with pytest.raises(EngineError, match="ended unexpectedly"):
                await heard(bad)
            for index, speech in enumerate(good, 2):
                assert np.array_equal(await heard(speech), spoken(index, 7))
            await until(lambda: scheduler.snapshot().slots == 2)
            assert (scheduler.snapshot().restarts, len(children())) == (1, 2)
            assert "Z" not in {line[0] for line in children()}

    run(main())


def test_a_worker_that_kills_itself_over_a_job() -> None:
    async def main() -> None:
        async with words(workers=1) as scheduler:
            speech = await scheduler.submit(word_job("well die", 1))
            with pytest.raises(EngineError):
                await heard(speech)
            assert np.array_equal(await heard(await scheduler.submit(word_job("back", 2))), spoken(2, 4))

    run(main())


def test_a_stopped_worker_keeps_nobody_waiting_and_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bark.server.crew.PARTING", 0.1)

    async def main() -> None:
        async with words(workers=1) as scheduler:
            await (await scheduler.submit(word_job("up", 1))).begun()
            os.kill(scheduler.snapshot().workers[0].pid, signal.SIGSTOP)
            speeches: list[Speech] = []
            for index in range(4):  # more than a pipe holds
                speeches.append(await scheduler.submit(Job("x" * 1_000_000, client=str(index))))
            for speech in speeches:
                await speech.aclose()

    run(main())
    assert children() == []


def test_a_model_that_can_t_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bark.server.scheduler.Library", lambda model: None)

    async def main() -> None:
        async with words(model="broken") as scheduler:
            await until(lambda: scheduler.state == "failed")
            assert scheduler.failure == "this model is broken"

    run(main())


def test_a_model_that_kills_whoever_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bark.server.scheduler.Library", lambda model: None)

    async def main() -> None:
        async with words(model="deadly", workers=1) as scheduler:
            await until(lambda: scheduler.snapshot().restarts == 2)
            assert scheduler.state == "loading"

    run(main())
    assert children() == []


def test_draining_finishes_what_was_begun_though_all_processes_are_told_to_end() -> None:
    async def main() -> None:
        async with words(workers=1) as scheduler:
            speech = await scheduler.submit(word_job("some words to say", 5))
            await speech.begun()
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(scheduler.snapshot().workers[0].pid, number)
            await scheduler.drain(30)
            assert np.array_equal(await heard(speech), spoken(5, 14))
            with pytest.raises(NotReady):
                await scheduler.submit(word_job("more", 1))

    run(main())


@pytest.mark.skipif(not FDS.exists(), reason="counts what the system keeps in /proc")
def test_nothing_is_left_behind() -> None:
    async def once() -> None:
        async with words(idle_unload=0.01) as scheduler:
            await heard(await scheduler.submit(word_job("hello", 1)))
            await until(lambda: scheduler.state == "idle")
            await heard(await scheduler.submit(word_job("again", 1)))

    def left() -> tuple[int, int]:
        for thread in threading.enumerate():
            if thread.name.startswith("worker "):  # has told of the end, and is about to
                thread.join(10)
        return len(list(FDS.iterdir())), threading.active_count()

    run(once())
    before = left()
    run(once())
    assert left() == before
    assert children() == []


@pytest.mark.parametrize("how", ["kill", pytest.param("leave", marks=pytest.mark.slow)])
def test_workers_end_with_whoever_started_them(how: str) -> None:
    code = f"""
import asyncio, os, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.server.fake_workers import *
from bark.server.link import launcher
async def main():
    scheduler = await started(launcher(word_engine), workers=1)
    await (await scheduler.submit(word_job("x" * 100000, 1))).begun()
    print(scheduler.snapshot().workers[0].pid, flush=True)
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), 9)
if __name__ == "__main__":
    asyncio.run(main())
"""
    told = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True, timeout=60)
    assert told.stderr == ""
    pid, waited = int(told.stdout), time.monotonic()
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() - waited < 20
        time.sleep(0.02)
