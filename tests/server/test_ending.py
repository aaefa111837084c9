"""How the server ends, without a model: what was begun is finished, unless it is told twice."""

from __future__ import annotations

import asyncio

from bark.server.running import Server, uvicorn_config
from bark.server.settings import ServeSettings
from tests.server.asgi import run, until
from tests.server.conftest import MakeApp
from tests.server.fake import FakeScheduler


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


async def told_to_end(app: object, scheduler: FakeScheduler, twice: bool) -> None:
    server = server_of(app, scheduler)
    serving = asyncio.ensure_future(server._serve())
    await until(lambda: server.started)
    server.should_exit = True
    await until(lambda: bool(scheduler.drained))
    server.force_exit = twice
    await serving


def test_the_scheduler_drains(make_app: MakeApp, fake: FakeScheduler) -> None:
    run(told_to_end(make_app(grace=30.0), fake, twice=False))
    assert set(fake.drained) == {30.0}


def test_a_second_signal_ends_it_at_once(make_app: MakeApp, fake: FakeScheduler) -> None:
    stubborn = Stubborn()
    app = make_app(grace=30.0)  # over the other scheduler, which is done at once

    async def work() -> None:
        await stubborn.start()
        await told_to_end(app, stubborn, twice=True)

    run(work())
    assert stubborn.drained == [30.0, 0]
