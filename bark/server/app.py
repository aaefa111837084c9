"""The app: routes, and what every request passes before it comes to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import bark
from bark.server import meta, speech, voices
from bark.server.bodies import Bodies
from bark.server.book import VoiceBook
from bark.server.errors import add_handlers
from bark.server.guard import Guard
from bark.server.metrics import Metrics
from bark.server.model import ModelCard
from bark.server.openapi import describe
from bark.server.requests import ID_HEADER, Requests
from bark.server.settings import ServeSettings
from bark.server.shelf import Shelf
from bark.server.site import add_page
from bark.server.state import Scheduling, Serving
from bark.server.uploads import Uploads
from bark.settings import Settings

FORM = 1 << 16  # bytes of a form beside its file
UPLOADS = "/v1/audio/voices"
EXPOSED = (ID_HEADER, "x-bark-seed", "x-bark-model", "x-bark-sample-rate", "retry-after")


def create_app(settings: ServeSettings, card: ModelCard, scheduler: Scheduling) -> FastAPI:
    """The app of a server.

    Args:
        settings: of it.
        card: of the model.
        scheduler: started with the app, and drained at its end.
    """
    app = FastAPI(
        title="Bark",
        version=bark.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_life(scheduler, settings.grace),
    )
    users = Settings.from_env().voices
    shelf = Shelf(settings.voices_dir or users, settings.max_voices)
    book = VoiceBook(card, scheduler.voices, shelf, None if settings.keys else users)
    metrics = Metrics(scheduler.snapshot)
    app.state.serving = Serving(settings, card, scheduler, book, Uploads(settings, card.tokens), metrics)
    add_handlers(app)
    for part in (speech, voices, meta):
        app.include_router(part.router)
    if settings.page:
        add_page(app)
    _add_layers(app, settings, metrics)
    describe(app, settings)
    return app


def _add_layers(app: FastAPI, settings: ServeSettings, metrics: Metrics) -> None:
    """What a request passes, the innermost first."""
    larger = {UPLOADS: settings.max_upload + FORM}
    app.add_middleware(
        Bodies,
        largest=settings.max_body,
        larger=larger,
        timeout=settings.body_timeout,
        most=settings.max_connections,
    )
    app.add_middleware(Guard, hosts=settings.hosts, origins=settings.cors_origins, keys=settings.keys)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("authorization", "content-type", ID_HEADER),
            expose_headers=EXPOSED,
        )
    app.add_middleware(Requests, done=metrics.count)


def _life(scheduler: Scheduling, grace: float) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await scheduler.start()
        try:
            yield
        finally:
            await scheduler.drain(grace)

    return life
