"""Clients that hang up, over real sockets: nothing of them is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from bark.server.running import Server, uvicorn_config
from bark.server.settings import ServeSettings
from tests.server.asgi import run, until
from tests.server.conftest import MakeApp
from tests.server.fake import FakeScheduler

CLIENTS = 200
FILES = Path("/proc/self/fd")


async def ask(port: int, **more: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Sends a request for speech."""
    body = json.dumps({"input": "Hello.", "response_format": "pcm", **more}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    await writer.drain()
    return reader, writer


async def hang_up(port: int, fake: FakeScheduler, number: int) -> None:
    """In the middle of an answer, before it, or while a whole file is made."""
    reader, writer = await ask(port, stream=number % 3 != 2, stream_format=("sse", "audio")[number % 2], seed=number)
    if number % 3 == 0:
        await reader.readuntil(b"\r\n\r\n")
    elif number % 3 == 2:
        await until(lambda: number in seeds(fake))
    writer.close()
    await writer.wait_closed()


def seeds(fake: FakeScheduler) -> set[int | None]:
    """Of the jobs that came."""
    return {job.options.seed for job in fake.jobs if job.options}


def held() -> set[object]:
    """Threads and open files of this process. Those of other tests may end meanwhile, but none may come."""
    files = set()
    for path in FILES.iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            files.add((path.name, path.readlink()))
    return {*files, *threading.enumerate()}


@pytest.mark.skipif(not FILES.is_dir(), reason="the system doesn't tell which files are open")
def test_who_hangs_up_leaves_nothing(make_app: MakeApp, fake: FakeScheduler, caplog: pytest.LogCaptureFixture) -> None:
    def heard() -> int:
        return sum(record.name == "bark.server.access" for record in caplog.records)

    async def work() -> None:
        config = uvicorn_config(make_app(), ServeSettings())
        config.port = 0
        server = Server(config, fake, 1.0)
        serving = asyncio.ensure_future(server._serve())
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        fake.free.clear()  # no answer ends by itself
        await hang_up(port, fake, CLIENTS)
        await until(lambda: heard() == 1 and not server.server_state.connections)
        before = held()
        for batch in range(0, CLIENTS, 50):
            await asyncio.gather(*(hang_up(port, fake, number) for number in range(batch, batch + 50)))
        await until(lambda: heard() == CLIENTS + 1)  # the server may learn later of who left at once
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        assert (fake.open, fake.closed) == (set(), len(fake.jobs))
        assert {number for number in range(CLIENTS) if number % 3 != 1} <= seeds(fake)
        assert held() <= before
        fake.free.set()
        server.should_exit = True
        await serving

    with caplog.at_level("INFO", logger="bark.server.access"):
        run(work())
