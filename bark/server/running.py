"""The server's process: its log, its port, and its end."""

from __future__ import annotations

import asyncio
import logging.config
import socket
import ssl
from typing import Any

import uvicorn

from bark.errors import BarkError, OptionError
from bark.files import reason
from bark.server.app import create_app
from bark.server.jobs import SchedulerSettings
from bark.server.model import read_card
from bark.server.protocol import hurrying
from bark.server.scheduler import Scheduler
from bark.server.settings import ServeSettings
from bark.server.state import Scheduling

logger = logging.getLogger("bark.server")
SPARE = 64  # connections beyond the requests that are taken, for those that wait for their next one
LOOK = 0.2  # seconds
BEYOND = 5.0  # seconds after the grace, for what has been made to be sent


class Server(uvicorn.Server):
    """Has the scheduler begin to drain as soon as the process is told to end.

    Then no connection is taken any more, the answers that were begun are finished, and the workers end.
    """

    def __init__(self, config: uvicorn.Config, scheduler: Scheduling, grace: float) -> None:
        super().__init__(config)
        self._scheduler, self._grace = scheduler, grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where the server is, once it is."""
        await super().startup(sockets)
        for server in getattr(self, "servers", ()):
            for listening in server.sockets:
                logger.info("listening at %s", _address(listening, self.config.is_ssl))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends, in this order."""
        logger.info("ending: what was begun is finished, for %g s at most", self._grace)
        draining = asyncio.ensure_future(self._drained())
        await super().shutdown(sockets)
        await draining
        logger.info("ended")

    async def _drained(self) -> None:
        """Drains; a second signal says that what was begun need not be finished."""
        draining = asyncio.ensure_future(self._scheduler.drain(self._grace))
        while not draining.done():
            await asyncio.wait({draining}, timeout=LOOK)
            if self.force_exit and not draining.done():
                await self._scheduler.drain(0)
        await draining


def serve(settings: ServeSettings) -> None:
    """Serves until the process is told to end.

    Raises:
        WeightsNotFoundError: there is no such model.
        CheckpointError: its config is broken.
        OptionError: the certificate or its key can't be read.
        BarkError: the port can't be had.
    """
    card = read_card(settings.model)
    _check_certificate(settings)
    with _bound(settings) as listening:
        logging.config.dictConfig(log_config(settings.log_level.upper()))  # not sooner: who can't serve has no log
        scheduler = Scheduler(scheduler_settings(settings))
        app = create_app(settings, card, scheduler)
        server = Server(uvicorn_config(app, settings), scheduler, settings.grace)
        logger.info("%s; %s", card.name, f"{len(settings.keys)} API keys" if settings.keys else "no API key is asked")
        server.run(sockets=[listening])


def scheduler_settings(settings: ServeSettings) -> SchedulerSettings:
    """What the scheduler is told."""
    return SchedulerSettings(
        model=settings.model,
        device=settings.device,
        dtype=settings.dtype,
        quantize=settings.quantize,
        workers=settings.workers,
        slots=settings.slots,
        threads=settings.threads,
        lazy=settings.lazy,
        idle_unload=settings.idle_unload,
        load_wait=settings.load_wait,
        max_queue=settings.max_queue,
        max_client_queue=settings.max_client_queue,
        ahead=settings.ahead,
    )


def uvicorn_config(app: Any, settings: ServeSettings) -> uvicorn.Config:
    """How the app is served."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the app has its own, with ids
        server_header=False,
        http=hurrying(settings.body_timeout),
        ws="none",
        lifespan="on",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=settings.max_connections + SPARE,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=round(settings.grace + BEYOND),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def log_config(level: str) -> dict[str, Any]:
    """Lines on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"bark": {"level": level}, "uvicorn": {"level": "WARNING"}},
    }


def _check_certificate(settings: ServeSettings) -> None:
    """Finds out whether there can be https, before anything is begun."""
    if settings.tls_cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:  # of files, or of what they hold
        said = "they are no pair, or not in PEM" if isinstance(error, ssl.SSLError) else reason(error)
        raise OptionError(f"can't use the certificate {settings.tls_cert} with {settings.tls_key}: {said}") from error


def _bound(settings: ServeSettings) -> socket.socket:
    """A socket at the address, so that a port that can't be had is told before anything is loaded."""
    kind = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(kind, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        said = error.strerror or str(error)
        raise BarkError(f"can't listen at {settings.host}, port {settings.port}: {said}") from error
    listening.set_inheritable(False)
    return listening


def _address(listening: socket.socket, secure: bool) -> str:
    host, port = listening.getsockname()[:2]
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
