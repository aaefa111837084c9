"""A hub of our own, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

REVISION = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the files of one folder as the repository `somebody/tiny`.

    Attributes:
        folder: of the files.
        asked: ranges of the files that were asked for, by name.
        break_at: of the first answer with a file that is longer, so many bytes are sent, and then no more.
    """

    folder: Path
    asked: list[tuple[str, str | None]]
    break_at: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        files = sorted(
            p.relative_to(self.server.folder).as_posix() for p in self.server.folder.rglob("*") if p.is_file()
        )
        if path.startswith("/api/models/somebody/tiny/tree"):
            rows = [self._row(name) for name in files]
            return self._send(json.dumps(rows).encode(), {"Content-Type": "application/json"}, with_body)
        if path.startswith("/api/models/somebody/tiny"):
            info = {"id": "somebody/tiny", "sha": REVISION, "siblings": [{"rfilename": name} for name in files]}
            return self._send(json.dumps(info).encode(), {"Content-Type": "application/json"}, with_body)
        prefix = f"/somebody/tiny/resolve/{REVISION}/"
        if path.startswith(prefix) and path.removeprefix(prefix) in files:
            return self._send_file(path.removeprefix(prefix), with_body)
        self._send(b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, with_body, 404)

    def _row(self, name: str) -> dict[str, object]:
        data = (self.server.folder / name).read_bytes()
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def _send_file(self, name: str, with_body: bool) -> None:
        data = (self.server.folder / name).read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        span = self.headers.get("Range")
        if not with_body:
            return self._send(data, headers, with_body)
        self.server.asked.append((name, span))
        if span:
            start = int(span.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return self._send(data[start:], headers, with_body, 206)
        if self.server.break_at is not None and len(data) > self.server.break_at:
            limit, self.server.break_at = self.server.break_at, None
            return self._send(data, headers, with_body, limit=limit)
        self._send(data, headers, with_body)

    def _send(
        self, data: bytes, headers: dict[str, str], with_body: bool, status: int = 200, limit: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(data[:limit])
            if limit is not None:
                self.wfile.flush()
                self.close_connection = True


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    server = Hub(("127.0.0.1", 0), Handler)
    server.folder, server.asked = checkpoint, []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
