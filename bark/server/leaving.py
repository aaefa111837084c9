"""Noticing that a client has gone away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")
AGAIN = 1.0  # seconds


class ClientLeftError(Exception):
    """The client is gone; nobody will read an answer."""


async def unless_left(work: Awaitable[T], receive: Receive) -> T:
    """Waits for work that is given up as soon as the client is gone.

    Args:
        work: cancelled then, and waited for until it has cleaned up.
        receive: of a request whose body has been read.

    Raises:
        ClientLeftError: the client is gone.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeftError
        return task.result()
    finally:
        await _ended(watch, task)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancels tasks until they have ended: `asyncio.wait_for` may lose a cancellation (before Python 3.12)."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # somebody has asked for it now, so nobody complains
