"""The page: static files in `page/`, under a policy that lets them ask nobody but this server."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response

from bark.server.errors import Refusal

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
MEDIA_TYPES = {  # not the system's, which may say that a module is plain text
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # asked for each time, which costs a 304: a new release is seen at once
}


def add_page(app: FastAPI) -> None:
    """Serves the page at `/`, and what it is made of under `/page/`. Neither asks for a key: nothing in them is secret.

    The files are read once; a name that a client gives is only ever looked up among them.
    """
    files = {path.name: path for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
    bodies = {name: path.read_bytes() for name, path in files.items()}

    async def index(request: Request) -> Response:
        return _answer(request, INDEX, bodies[INDEX])

    async def file(request: Request, name: str) -> Response:
        if name not in bodies:
            raise Refusal(404, "the page has no such file")
        return _answer(request, name, bodies[name])

    app.add_api_route("/", index, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/page/{name}", file, methods=["GET", "HEAD"], include_in_schema=False)


def _answer(request: Request, name: str, body: bytes) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {**HEADERS, "etag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPES[Path(name).suffix])
