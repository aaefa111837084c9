"""How much a client may send, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bark.server.errors import Refusal, refused

NO_BODY = ("GET", "HEAD", "OPTIONS")


class Bodies:
    """Bounds the bodies of requests, and the requests at a time.

    Args:
        app: what answers.
        largest: bytes of a body.
        larger: bytes by path, where more is allowed.
        timeout: seconds until the whole body must be here.
        most: requests at a time; one more is answered by 503.
    """

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int], timeout: float, most: int) -> None:
        self._app = app
        self._largest, self._larger, self._timeout, self._most = largest, larger, timeout, most
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = self._larger.get(scope["path"], self._largest)
        if self._count >= self._most:
            busy = Refusal(503, "the server has as many connections as it takes", "overloaded", retry_after=5)
            await refused(busy)(scope, receive, send)
        elif _told_length(Headers(scope=scope)) > largest:
            await refused(too_large(largest))(scope, receive, send)
        else:
            self._count += 1
            try:
                await self._app(scope, _bounded(receive, largest, self._timeout), send)
            finally:
                self._count -= 1


def too_large(largest: int) -> Refusal:
    """The answer to a body that is too large. What is still to come of it goes unread, so the connection ends."""
    said = f"the body is too large: {largest} bytes are allowed"
    return Refusal(413, said, headers={"connection": "close"})


def _told_length(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdigit() else 0


def _bounded(receive: Receive, largest: int, timeout: float) -> Receive:
    """A `receive` that refuses what is too large or too slow."""
    end = asyncio.get_running_loop().time() + timeout
    read, whole = 0, False

    async def bounded() -> Message:
        nonlocal read, whole
        if whole:
            return await receive()
        left = max(0.0, end - asyncio.get_running_loop().time())
        try:
            with anyio.fail_after(left):
                message = await receive()
        except TimeoutError:
            slow = f"the body was not here within {timeout:g} seconds"
            raise Refusal(408, slow, headers={"connection": "close"}) from None
        read += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if read > largest:
            raise too_large(largest)
        return message

    return bounded
