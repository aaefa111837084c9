"""The page in a real browser: Chromium without a window, driven by playwright. Skipped where either is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.page.fake import Script, serving
from tests.server.page.looking import PATIENCE, with_voices

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Browser, Page = playwright.Browser, playwright.Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-dev-shm-usage",
]
POLICY = ("Content Security Policy", "Content-Security-Policy", "Refused to", "TrustedHTML", "TrustedScript")
LISTEN = """
  // Whatever goes to the loudspeaker also goes to an ear, which says how loud it is.
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      to.context.ear ??= Object.assign(to.context.createAnalyser(), { fftSize: 2048 });
      window.ears = (window.ears ?? new Set()).add(to.context.ear);
      connect.call(this, to.context.ear);
    }
    return connect.call(this, to, ...rest);
  };
  window.loudness = () => Math.max(0, ...[...(window.ears ?? [])].map((ear) => {
    if (ear.context.state !== "running") return 0; // the ear keeps what it heard last
    const wave = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(wave);
    return Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
  }));
"""

FORGET = """() => new Promise((resolve) => {
  localStorage.clear();
  sessionStorage.clear();
  indexedDB.deleteDatabase("bark").onsuccess = resolve;
})"""

OpenPage = Callable[..., Any]


def _chromium() -> str:
    found = os.environ.get("BARK_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("there is no Chromium: apt-get install chromium, or name it in BARK_TEST_CHROMIUM")
    return found


@pytest.fixture(scope="module")  # its event loop runs in this thread: no test of another file may meet it
def browser() -> Iterator[Any]:
    path = _chromium()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watch:
    """Notes what a page must not do: fail, break its policy, ask anybody but its server."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.address = ""

    def over(self, page: Any) -> Any:
        """The page, watched."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)
        return page

    def _said(self, message: Any) -> None:
        if any(word in message.text for word in POLICY):
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "blob:", "data:", "about:")):
            self.faults.append(f"asked {request.url}")


def _context(browser: Any, **options: Any) -> Any:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(1000 * PATIENCE)
    context.add_init_script(LISTEN)
    return context


@pytest.fixture(scope="module")
def served() -> Iterator[Script]:
    """A server of the tests of one file; see `script`."""
    script = Script()
    with serving(script):
        yield script


@pytest.fixture
def script(served: Script) -> Iterator[Script]:
    """What the server does that the page talks to: as at the beginning, for each test."""
    served.reset()
    yield served
    served.gate.set()


@pytest.fixture
def open_page(browser: Any, script: Script) -> Iterator[OpenPage]:
    """Opens the page in a context of its own, by options of Playwright's."""
    contexts: list[Any] = []
    watch = Watch()
    watch.address = script.address

    def open_page(**options: Any) -> Any:
        contexts.append(_context(browser, **options))
        page = watch.over(contexts[-1].new_page())
        page.goto(script.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not watch.faults


@pytest.fixture(scope="module")
def home(browser: Any) -> Iterator[tuple[Any, Watch]]:
    """A page that the tests of one file share: to open one is dear."""
    context, watch = _context(browser), Watch()
    yield watch.over(context.new_page()), watch
    context.close()


@pytest.fixture
def page(home: tuple[Any, Watch], script: Script) -> Iterator[Any]:
    """The page, as if it had never been opened before, with its voices."""
    page, watch = home
    watch.address = script.address
    page.goto(f"{script.address}/page/icon.svg")  # nothing is open there that could hold on to what is kept
    page.evaluate(FORGET)
    page.goto(script.address)
    yield with_voices(page)
    page.goto("about:blank")
    page.context.set_offline(False)
    faults, watch.faults = watch.faults, []
    assert not faults


@pytest.fixture
def sentence() -> str:
    return "Hello! It is good to be heard."


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file that a server would take for sound."""
    path = tmp_path / "me.wav"
    path.write_bytes(b"RIFF....WAVE")
    return path
