"""Every request gets an id, a line in the log, and an answer, whatever happens."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bark.server.errors import failed

logger = logging.getLogger("bark.server.access")

ID_HEADER = "x-request-id"
ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
LEFT = 499  # in log and metrics, of a client that went away before its answer
CALL = "bark.call"  # key of a scope


@dataclass
class Call:
    """A request, as the log tells of it.

    Attributes:
        id: given by the client or made here.
        client: who asks: the name of an API key, or an address.
        status: of the answer; 499 where the client left before it.
        sent: bytes of the answer.
        complete: whether all of it was sent.
        notes: what else the log says of it.
    """

    id: str
    client: str
    status: int = LEFT
    sent: int = 0
    complete: bool = False
    begun: float = field(default_factory=time.monotonic)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Since it came."""
        return time.monotonic() - self.begun


def call_of(scope: Scope) -> Call:
    """The request of a scope."""
    call: Call = scope[CALL]
    return call


class Requests:
    """The outermost layer of the app.

    Args:
        app: what answers.
        done: told of every request at its end: method, route, and the call.
    """

    def __init__(self, app: ASGIApp, done: Callable[[str, str, Call], None]) -> None:
        self._app, self._done = app, done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(_id_of(Headers(scope=scope)), (scope.get("client") or ("unknown",))[0])
        scope[CALL] = call
        try:
            await self._app(scope, receive, _told(send, call))
        except ClientDisconnect:  # in the middle of its body: nobody waits for an answer
            pass
        except Exception as error:
            logger.error("%s failed", call.id, exc_info=error)
            if call.status == LEFT:
                await failed()(scope, receive, _told(send, call))
        finally:
            self._end(scope, call)

    def _end(self, scope: Scope, call: Call) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "other")
        self._done(method, route, call)
        notes = "".join(f" {name}={value}" for name, value in call.notes.items())
        ended = "" if call.complete else " cut"
        logger.info(
            "%s %s %s %s %d%s %d bytes %.3f s%s",
            call.id,
            call.client,
            method,
            route if route != "other" else "-",
            call.status,
            ended,
            call.sent,
            call.seconds,
            notes,
        )


def _id_of(headers: Headers) -> str:
    given = headers.get(ID_HEADER, "")
    return given if ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"


def _told(send: Send, call: Call) -> Send:
    """A `send` that notes what is sent, and adds the id."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[ID_HEADER] = call.id
            headers.setdefault("x-content-type-options", "nosniff")
            headers.setdefault("cache-control", "no-store")
        await send(message)
        if message["type"] == "http.response.body":
            call.sent += len(message.get("body", b""))
            call.complete = not message.get("more_body", False)

    return told
