"""Connections on which nothing is asked are closed; those on which something is are left alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn

from bark.server.protocol import hurrying

SECONDS = 0.15
ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Takes three times as long as a request's head may."""
    await asyncio.sleep(3 * SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def asked(sent: bytes) -> bytes:
    """All that comes back on a connection, until the server closes it."""

    async def ask() -> bytes:
        waits = {"http": hurrying(SECONDS), "timeout_keep_alive": 1}
        config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none", **waits)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        server.should_exit = True
        await serving
        return answer

    return asyncio.run(ask())


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: he"])
def test_nothing_or_half_a_head(sent: bytes) -> None:
    assert asked(sent) == b""


@pytest.mark.parametrize("next_one", [b"", b"GET / HT"])
def test_an_answer_takes_as_long_as_it_takes(next_one: bytes) -> None:
    """And half of another request behind it doesn't keep the connection."""
    answer = asked(ASKED + next_one)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"ok")
