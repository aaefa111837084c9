"""A server that answers as the real one does, with tones, as slowly as a test wants."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bark.server.site import FOLDER, HEADERS, MEDIA_TYPES

RATE = 24_000
DRAWN = 9_007_199_254_740_993  # a seed that JavaScript's numbers can't hold
VOICES = [
    {"id": "v2/en_speaker_0", "name": "v2/en_speaker_0", "type": "preset", "language": "en"},
    {"id": "v2/en_speaker_1", "name": "v2/en_speaker_1", "type": "preset", "language": "en"},
    {"id": "v2/de_speaker_0", "name": "v2/de_speaker_0", "type": "preset", "language": "de"},
    {"id": "alloy", "name": "alloy", "type": "alias", "language": "en"},
]


@dataclass
class Script:
    """What the server does, and what it has seen.

    Attributes:
        seconds: of a tone that it answers with.
        piece: bytes at a time; an odd number, so that samples are cut.
        key: that is needed; empty for none.
        fault: answered to speech instead: status, code, message, and headers.
        faults: how often; forever unless said.
        gate: after the first piece of an answer, the others wait for it.
        breaks: whether the connection ends before the answer does.
        late_fault: told after the sound, in the place of a good end.
        warnings: told at the end.
        speech: requests for speech, in order.
        forms: bodies of the requests for a voice.
        deleted: ids of voices.
        left: set when a client has gone before its answer was whole.
        ended: set when an answer was whole.
        paths: of all requests.
    """

    seconds: float = 1.5
    piece: int = 9_601
    key: str = ""
    fault: tuple[int, str, str, dict[str, str]] | None = None
    faults: int = 1_000_000
    gate: threading.Event = field(default_factory=threading.Event)
    breaks: bool = False
    late_fault: str = ""
    warnings: list[str] = field(default_factory=list)
    voices: list[dict[str, Any]] = field(default_factory=lambda: [dict(voice) for voice in VOICES])
    speech: list[dict[str, Any]] = field(default_factory=list)
    forms: list[bytes] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    paths: list[str] = field(default_factory=list)
    address: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    def reset(self) -> None:
        """As it was, but at the same address."""
        self.__dict__.update(Script(address=self.address).__dict__)


def tone(seconds: float) -> bytes:
    """s16le: a tone that swells and rises, so that there is something to see."""
    time = np.arange(round(seconds * RATE)) / RATE
    swell = 0.15 + 0.5 * np.sin(np.pi * 2.2 * time) ** 2
    phase = 2 * np.pi * (220 * time + 30 * np.sin(2 * np.pi * 0.7 * time))
    wave = swell * sum(np.sin(order * phase) / order for order in range(1, 9)) / 2
    return (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()


class Handler(BaseHTTPRequestHandler):
    """Of one connection."""

    script: ClassVar[Script]
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.script.paths.append(self.path)
        name = "index.html" if self.path == "/" else self.path.removeprefix("/page/")
        if (FOLDER / name).is_file():
            kind = MEDIA_TYPES[Path(name).suffix]
            self._bytes(
                200, (FOLDER / name).read_bytes(), {**HEADERS, "content-type": kind, "cache-control": "max-age=99"}
            )
        elif self.path == "/health":
            self._json(200, {"status": "ok", "state": "ready", "model": "pup", "version": "0"})
        elif self.path == "/v1/models" and self._allowed():
            self._json(200, {"object": "list", "data": [{"id": "pup", "object": "model"}]})
        elif self.path == "/v1/audio/voices" and self._allowed():
            self._json(200, {"object": "list", "data": self.script.voices})
        elif not self.path.startswith("/v1/"):
            self._fault(404, "not_found", "there is no such page", {})

    def do_DELETE(self) -> None:
        gone = self.path.removeprefix("/v1/audio/voices/")
        self.script.deleted.append(gone)
        self.script.voices = [voice for voice in self.script.voices if voice["id"] != gone]
        self._json(200, {"id": gone, "deleted": True})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._allowed():
            return
        if self.path == "/v1/audio/voices":
            self.script.forms.append(body)
            voice = {"id": "voice_1", "name": "Me", "type": "audio_sample", "language": None}
            self.script.voices.append(voice)
            self._json(200, voice)
            return
        request = json.loads(body)
        self.script.speech.append(request)
        if self.script.fault and self.script.faults > 0:
            self.script.faults -= 1
            self._fault(*self.script.fault)
        else:
            self._speak(request)

    def _speak(self, request: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if "stream_format" in request else "audio/mpeg")
        self.send_header("x-bark-seed", str(request.get("seed", DRAWN)))
        self.send_header("x-bark-sample-rate", str(RATE))
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for number, piece in enumerate(self._pieces("stream_format" in request)):
                self._piece(piece)
                if number == 0:
                    self._wait()
            if not self.script.breaks:
                self._piece(b"")
                self.script.ended.set()
        except OSError:
            self.script.left.set()
        self.close_connection = True

    def _pieces(self, events: bool) -> Iterator[bytes]:
        sound = tone(self.script.seconds)
        for at in range(0, len(sound), self.script.piece):
            piece = sound[at : at + self.script.piece]
            yield _event(type="speech.audio.delta", audio=base64.b64encode(piece).decode()) if events else piece
        if self.script.late_fault:
            yield _event(type="error", error={"message": self.script.late_fault, "code": "deadline_exceeded"})
        elif events and not self.script.breaks:
            yield _event(type="speech.audio.done", warnings=self.script.warnings, seed=1)

    def _wait(self) -> None:
        """Until the gate is open, or the client has gone."""
        self.connection.settimeout(0.02)
        while not self.script.gate.is_set():
            try:
                if self.connection.recv(1) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                continue
        self.connection.settimeout(10)

    def _piece(self, piece: bytes) -> None:
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.flush()

    def _allowed(self) -> bool:
        given = self.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.script.key or given == self.script.key:
            return True
        self._fault(401, "invalid_api_key", "the API key is wrong" if given else "an API key is needed", {})
        return False

    def _fault(self, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        self._json(status, {"error": {"message": message, "type": "x", "param": None, "code": code}}, headers)

    def _json(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})

    def _bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _event(**fields: object) -> bytes:
    return f"data: {json.dumps(fields)}\n\n".encode()


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """Its address, as long as the server runs."""
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    script.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script.address
    finally:
        script.gate.set()
        server.shutdown()
        server.server_close()
