"""The page before the real app; and, slowly, before the whole server with the bundled model."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from tests.server.conftest import MakeApp
from tests.server.fake import DRAWN, FakeScheduler
from tests.server.page.looking import HEARD, IDLE, PATIENCE, kept, speak, until, with_voices

LISTENING = re.compile(rb"listening at (\S+)")


@dataclass
class Running:
    """A server.

    Attributes:
        address: of it.
        soon: has something done in its loop.
    """

    address: str
    soon: Callable[[Callable[[], object]], object] = field(repr=False, default=lambda done: done())


class Server(uvicorn.Server):
    """One in a thread, whose loop can be asked to do something."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.soon = asyncio.get_running_loop().call_soon_threadsafe
        await super().startup(sockets)


@contextmanager
def running(app: FastAPI, fake: FakeScheduler) -> Iterator[Running]:
    """An app, served by a thread."""
    server = Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Running(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", server.soon)
    server.soon(fake.free.set)
    server.should_exit = True
    thread.join()


@pytest.fixture
def script(make_app: MakeApp, fake: FakeScheduler) -> Iterator[Running]:
    """The real app; `open_page` goes to it."""
    with running(make_app(), fake) as server:
        yield server


@pytest.fixture
def page(open_page: Any) -> Any:
    """The page of this app."""
    return with_voices(open_page())


def test_the_app_and_the_page_agree(page: Any, script: Running, fake: FakeScheduler, sentence: str) -> None:
    page.select_option("#voice", "v2/en_speaker_1")
    script.soon(fake.free.clear)
    speak(page, sentence)
    until(page, HEARD)
    assert len(fake.open) == 1  # it is being made
    page.keyboard.press("Escape")
    until(page, IDLE)
    script.soon(fake.free.set)
    page.fill("#seed", "5")
    speak(page, sentence)
    kept(page, 1)
    assert (fake.jobs[1].text, fake.jobs[1].voice) == (sentence, "v2/en_speaker_1")
    assert "0:00.7" in page.inner_text("#takes li") and "seed 5" in page.inner_text("#takes li")
    for format in ("mp3", "opus", "flac"):
        page.select_option("#format", format)
        with page.expect_download() as download:
            page.click("#download")
        assert Path(download.value.path()).stat().st_size > 1000
    assert {job.options.seed for job in fake.jobs[1:] if job.options} == {5}


def test_stopping_frees_the_row(page: Any, script: Running, fake: FakeScheduler, sentence: str) -> None:
    script.soon(fake.free.clear)
    speak(page, sentence)
    until(page, HEARD)
    page.keyboard.press("Escape")
    end = time.monotonic() + PATIENCE
    while fake.open:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert fake.closed == 1


@pytest.mark.slow
def test_the_apps_errors_are_shown(page: Any, fake: FakeScheduler, recording: Path) -> None:
    speak(page, "x" * 10_001)
    page.wait_for_selector("#trouble:has-text('The text has 10001 characters; 10000 are allowed.')")
    fake.broken = RuntimeError("inside")
    speak(page, "Hello!")
    page.wait_for_selector("#trouble:has-text('Something went wrong in the server.')")
    page.click("#record")
    page.fill("#recording-name", "Me")
    page.set_input_files("#recording-file", recording)
    page.check("#consent")
    page.click("#recording-send")
    until(page, "document.getElementById('recording-fault').textContent !== ''")


class TestWithKey:
    """Of a server that asks for one."""

    @pytest.fixture
    def script(self, make_app: MakeApp, fake: FakeScheduler) -> Iterator[Running]:
        with running(make_app(api_keys="me:a-key-of-some-length"), fake) as server:
            yield server

    @pytest.mark.slow
    def test_a_key_opens_it(self, open_page: Any, sentence: str) -> None:
        page = open_page()
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key", "a-key-of-some-length")
        page.keyboard.press("Enter")
        with_voices(page)
        speak(page, sentence)
        kept(page, 1)
        assert f"seed {DRAWN}" in page.inner_text("#takes li")


class TestWithPup:
    """The command itself, and the bundled model."""

    @pytest.fixture
    def script(self, bundled: Path, tmp_path: Path) -> Iterator[Running]:
        command = [
            sys.executable,
            "-m",
            "bark",
            "serve",
            "--port",
            "0",
            "--threads",
            "1",
            "--voices-dir",
            str(tmp_path / "voices"),
        ]
        environment = {**os.environ, "BARK_MODEL": str(bundled), "BARK_DEVICE": "cpu"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stderr is not None
            found = next(filter(None, map(LISTENING.search, process.stderr)))
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield Running(found[1].decode())
            process.send_signal(signal.SIGTERM)

    @pytest.mark.slow
    def test_pup_is_heard_before_it_has_said_all(self, open_page: Any, sentence: str) -> None:
        page = with_voices(open_page())
        page.context.set_default_timeout(300_000)
        page.wait_for_selector("#server-words:has-text('is ready')")
        page.fill("#seed", "1")
        speak(page, f"{sentence} The boat left the harbour at dawn, and nobody saw it go. It came back a week later.")
        until(page, HEARD, 300)
        assert page.inner_text("#speak") == "Stop"  # it is still being made
        until(page, "document.querySelectorAll('#takes li').length === 1", 300)
        assert "seed 1 " in page.inner_text("#takes li")
        page.select_option("#format", "mp3")
        with page.expect_download() as download:
            page.click("#download")
        assert Path(download.value.path()).stat().st_size > 20_000
