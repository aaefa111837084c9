"""One request for speech, by hand: a client that costs as little as it can, since it runs beside the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.serve.cases import Case

PATIENCE = 600.0  # seconds for an answer
USUAL_WAIT = 1.0  # seconds to wait where a refusal doesn't say


@dataclass
class Answer:
    """What came of a request.

    Attributes:
        case: that was asked for.
        asked: when, by `time.perf_counter`.
        status: of HTTP; 0 where there was no answer.
        first, total: seconds until the first byte of the body, and until its end.
        wait: seconds that a refusal tells to wait.
        pcm: the body.
        whole: whether its end came.
    """

    case: Case
    asked: float = field(default_factory=time.perf_counter)
    status: int = 0
    first: float = 0.0
    total: float = 0.0
    wait: float = USUAL_WAIT
    pcm: bytes = b""
    whole: bool = False

    @property
    def begun(self) -> bool:
        """Whether there was audio."""
        return self.status == 200 and self.first > 0

    @property
    def refused(self) -> bool:
        """Whether the client was told to come again."""
        return self.status in (429, 503)

    @property
    def difference(self) -> int | None:
        """How far a whole answer is from what it must be; None where there is none."""
        return self.case.differs(self.pcm) if self.begun and self.whole else None


async def ask(
    port: int, case: Case, arrived: Callable[[int], None] = lambda size: None, *, part: float = 1.0
) -> Answer:
    """Asks for a case, on a connection of its own.

    Args:
        port: of the server, on this machine.
        case: asked for.
        arrived: told of each piece of the body, in bytes.
        part: of the body, after which the client hangs up.
    """
    answer = Answer(case)
    with contextlib.suppress(OSError, EOFError, ValueError, asyncio.TimeoutError):  # what is missing tells
        await asyncio.wait_for(_ask(port, answer, arrived, part), PATIENCE)
    answer.total = time.perf_counter() - answer.asked
    return answer


async def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a page."""
    async with _connected(port) as (reader, writer):
        writer.write(_request("GET", path))
        status, headers = await _head(reader)
        return status, b"".join([data async for data in _body(reader, headers)])


async def _ask(port: int, answer: Answer, arrived: Callable[[int], None], part: float) -> None:
    async with _connected(port) as (reader, writer):
        writer.write(_request("POST", "/v1/audio/speech", answer.case.body))
        await _read(answer, reader, arrived, part)
        if not answer.whole:
            writer.transport.abort()


async def _read(answer: Answer, reader: asyncio.StreamReader, arrived: Callable[[int], None], part: float) -> None:
    status, headers = await _head(reader)
    answer.wait = float(headers.get("retry-after", USUAL_WAIT))
    pieces, size = [], 0
    answer.status = status
    async for data in _body(reader, headers):
        if not size:
            answer.first = time.perf_counter() - answer.asked
        pieces.append(data)
        size += len(data)
        if status == 200:
            arrived(len(data))
        if part < 1 and size >= part * len(answer.case.pcm):
            return
    answer.pcm, answer.whole = b"".join(pieces), True


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines if line]
    return int(first.split()[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """The body's pieces, as they come; raises where it is cut off."""
    if headers.get("transfer-encoding") != "chunked":
        if length := int(headers.get("content-length", "0")):
            yield await reader.readexactly(length)
        return
    while size := int(await reader.readline() or b"-", 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)


def _request(method: str, path: str, body: object = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
