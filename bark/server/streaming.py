"""Speech as it is made, on its way to a client: encoded, cut into events, sent."""

from __future__ import annotations

import asyncio
import base64
import logging
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass
from typing import Any, BinaryIO

import anyio
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bark.audio.encoders import make_encoder
from bark.audio.formats import Format
from bark.audio.samples import Audio
from bark.audio.stretch import StretchStream
from bark.audio.tags import Tags
from bark.server.leaving import ClientLeftError, unless_left

logger = logging.getLogger(__name__)

AT_ONCE = 6_000  # samples that are encoded before others get their turn
CHUNK = 1 << 16  # bytes of a finished file that are sent at once


class StalledError(Exception):
    """The client takes nothing more."""


@dataclass
class Made:
    """What has been made of an answer.

    Attributes:
        samples: at the rate of the model, at the speed that was asked for.
    """

    samples: int = 0


async def stretched(
    pieces: AsyncGenerator[Audio, None], sample_rate: int, speed: float, made: Made
) -> AsyncGenerator[Audio, None]:
    """Audio [T] at another speed, in pieces that are soon encoded."""
    stream = StretchStream(sample_rate, speed)
    async with aclosing(pieces):
        async for piece in pieces:
            for part in _parts(piece):
                ready = stream.push(part)
                made.samples += len(ready)
                yield ready
    rest = stream.finish()
    made.samples += len(rest)
    yield rest


async def encoded(
    pieces: AsyncGenerator[Audio, None], format: Format, sample_rate: int, tags: Tags
) -> AsyncGenerator[bytes, None]:
    """The file, in pieces as they are ready; its head can't say how long it is."""
    async with aclosing(pieces):
        with closing(make_encoder(format, sample_rate, tags=tags)) as encoder:
            async for piece in pieces:
                if data := encoder.encode(piece):
                    yield data
                await asyncio.sleep(0)
            if data := encoder.finish():
                yield data


async def written(
    pieces: AsyncGenerator[Audio, None], format: Format, sample_rate: int, tags: Tags, file: BinaryIO
) -> int:
    """Writes the whole file, whose head says how long it is.

    Returns:
        Its length, bytes; the file is at its beginning.
    """
    async with aclosing(pieces):
        with closing(make_encoder(format, sample_rate, tags=tags, room=True)) as encoder:
            async for piece in pieces:
                file.write(encoder.encode(piece))
                await asyncio.sleep(0)
            file.write(encoder.finish())
    size = file.tell()
    for place, data in encoder.patches:
        file.seek(place)
        file.write(data)
    file.seek(0)
    return size


async def chunks(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    """What a file holds, and then its end: it is closed."""
    with file:
        while data := file.read(CHUNK):
            yield data


def nameless_file() -> BinaryIO:
    """A file that the system removes, whatever becomes of this process."""
    return tempfile.TemporaryFile()


def delta(data: bytes) -> str:
    """A piece of a file as text."""
    return base64.b64encode(data).decode("ascii")


def event(model: BaseModel) -> bytes:
    """A server-sent event."""
    return f"data: {model.model_dump_json()}\n\n".encode()


class Streamed(Response):
    """A body that is sent as it is made, until the client goes away or takes nothing more.

    Where the making fails, the connection ends before the body does, so that nobody takes a part for the whole.

    Args:
        body: what is sent.
        held: closed in the end, whatever happens, even if nothing was sent.
        stalled: seconds that a client may take nothing.
        failed: told of what went wrong on the way; what it gives is sent last, and ends the body well.
    """

    def __init__(
        self,
        body: AsyncGenerator[bytes],
        media_type: str,
        headers: Mapping[str, str],
        held: AsyncExitStack,
        *,
        stalled: float,
        failed: Callable[[Exception], bytes | None],
    ) -> None:
        self.status_code, self.media_type, self.background = 200, media_type, None
        self.init_headers(headers)
        self._body, self._held, self._stalled, self._failed = body, held, stalled, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer."""
        async with self._held, aclosing(self._body):
            try:
                await unless_left(self._send(send), receive)
            except ClientLeftError:
                pass
            except StalledError:
                logger.info("a client took nothing for %g s: given up", self._stalled)

    async def _send(self, send: Send) -> None:
        await self._put(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for data in self._body:
                await self._put(send, _part(data))
        except StalledError:
            raise
        except Exception as error:
            last = self._failed(error)
            if last is None:
                return
            await self._put(send, _part(last))
        await self._put(send, _part(b"", more=False))

    async def _put(self, send: Send, message: dict[str, Any]) -> None:
        try:
            with anyio.fail_after(self._stalled):
                await send(message)
        except TimeoutError:
            raise StalledError from None


def _part(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def _parts(audio: Audio) -> Iterator[Audio]:
    return (audio[begin : begin + AT_ONCE] for begin in range(0, len(audio), AT_ONCE))
