"""How the server ends, without a model: what was begun is finished, unless it is told twice."""

from __future__ import annotations

import asyncio

import pytest

from bark.server.running import Server, uvicorn_config
from bark.server.settings import ServeSettings
from tests.server.asgi import run
from tests.server.conftest import MakeApp
from tests.server.fake import FakeScheduler

pytestmark = pytest.mark.slow  # a server of its own, over sockets


class Stubborn(FakeScheduler):
    """Is not done before it is given no time."""

    async def start(self) -> None:
        self.over = asyncio.Event()

    async def drain(self, grace: float) -> None:
        self.drained.append(grace)
        if not grace:
            self.over.set()
        await self.over.wait()


def server_of(app: object, scheduler: FakeScheduler) -> Server:
    config = uvicorn_config(app, ServeSettings(grace=30.0))
    config.port = 0
    return Server(config, scheduler, 30.0)


async def told_to_end(server: Server, force: bool) -> None:
    serving = asyncio.ensure_future(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    server.should_exit = True
    await asyncio.sleep(0.3)
    server.force_exit = force
    await serving


def test_the_scheduler_drains(make_app: MakeApp, fake: FakeScheduler) -> None:
    run(told_to_end(server_of(make_app(grace=30.0), fake), force=False))
    assert set(fake.drained) == {30.0}


def test_a_second_signal_ends_it_at_once(make_app: MakeApp, fake: FakeScheduler) -> None:
    stubborn = Stubborn()
    app = make_app(grace=30.0)  # over the other scheduler, which is done at once

    async def work() -> None:
        await stubborn.start()
        await told_to_end(server_of(app, stubborn), force=True)

    run(work())
    assert stubborn.drained == [30.0, 0]
