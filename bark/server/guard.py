"""Who may ask: by what name the server is called, from which page, and with which key."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bark.server.errors import Refusal, refused
from bark.server.keys import Key, find_key
from bark.server.requests import call_of

SAFE = ("GET", "HEAD", "OPTIONS")
PORTS = {"http": 80, "https": 443}
GUARDED = ("/v1/", "/metrics")
ANYONE = "anyone"  # owner of the voices where there are no keys
OWNER = "bark.owner"  # key of a scope


class Guard:
    """Refuses requests that come by another name (DNS rebinding), from a foreign page, or without a key.

    Args:
        app: what answers the others.
        hosts: names that the server may be called by; None for any.
        origins: pages of others that may ask.
        keys: of those who may ask; none where anybody may.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] | None, origins: Collection[str], keys: Collection[Key]
    ) -> None:
        self._app = app
        self._hosts, self._origins, self._keys = hosts, origins, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope, Headers(scope=scope))
        except Refusal as refusal:
            await refused(refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_host(headers)
        self._check_origin(scope["method"], headers)
        scope[OWNER] = ANYONE
        if self._keys and scope["method"] != "OPTIONS" and scope["path"].startswith(GUARDED):
            key = self._key(headers)
            scope[OWNER] = call_of(scope).client = key.name

    def _check_host(self, headers: Headers) -> None:
        if self._hosts is not None and name_of(headers.get("host", "")) not in self._hosts:
            raise Refusal(403, "the server is not called by this name; see allowed_hosts", "host_not_allowed")

    def _check_origin(self, method: str, headers: Headers) -> None:
        """A foreign page can have a browser send forms here, without asking first as for other requests."""
        origin = headers.get("origin")
        if origin is None or method in SAFE or origin in self._origins:
            return
        if not _same(origin, headers.get("host", "")):
            raise Refusal(403, "pages of other servers may not ask here; see cors_origins", "origin_not_allowed")

    def _key(self, headers: Headers) -> Key:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        key = find_key(self._keys, secret.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            said = "the API key is wrong" if secret else "an API key is needed: Authorization: Bearer KEY"
            raise Refusal(401, said, headers={"www-authenticate": "Bearer"})
        return key


def name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")


def _same(origin: str, host: str) -> bool:
    """Whether a page is of the server that is called by this Host. Of https a proxy before it may know alone."""
    try:
        parts = urlsplit(origin)
        port = parts.port or PORTS.get(parts.scheme)
        own = urlsplit(f"//{host}").port
    except ValueError:
        return False
    return name_of(parts.netloc.rpartition("@")[2]) == name_of(host) and port in ((own,) if own else PORTS.values())
