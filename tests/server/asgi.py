"""Requests to an app without a network, by clients that behave badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message

Sent = list[Message]


class Client:
    """One request; what the app sends of its answer is in `sent`.

    Args:
        path: with POST.
        body: of the request, as JSON unless it is bytes; whole unless `slow`.
        slow: the end of the body never comes.
        deaf_after: messages of the answer that are taken; then nothing more is.
        kind: of the body.
    """

    def __init__(
        self,
        path: str = "/v1/audio/speech",
        body: Any = None,
        *,
        slow: bool = False,
        deaf_after: int | None = None,
        kind: str = "application/json",
    ) -> None:
        self.sent: Sent = []
        self.gone = asyncio.Event()
        self._path, self._slow, self._deaf, self._kind = path, slow, deaf_after, kind
        self._body: bytes | None = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def ask(self, app: ASGIApp) -> None:
        """Asks, and waits until the app has ended the request."""
        headers = {"host": "localhost", "content-type": self._kind}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        await app(scope, self._receive, self._send)

    @property
    def status(self) -> int | None:
        """Of the answer, if there is one."""
        return self.sent[0]["status"] if self.sent else None

    @property
    def complete(self) -> bool:
        """Whether the answer has an end."""
        return len(self.sent) > 1 and not self.sent[-1].get("more_body", False)

    @property
    def content(self) -> bytes:
        """The body of the answer, so far."""
        return b"".join(message["body"] for message in self.sent[1:])

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": self._slow}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._deaf is not None and len(self.sent) >= self._deaf:
            await asyncio.Event().wait()
        self.sent.append(message)


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for something to become true; on a busy machine that may take a while."""
    for _ in range(round(seconds / 0.005)):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not become true")


def run(work: Awaitable[None]) -> None:
    """Runs a test's coroutine, for a minute at most."""

    async def bounded() -> None:
        await asyncio.wait_for(work, 60)

    asyncio.run(bounded())
