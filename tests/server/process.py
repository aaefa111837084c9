"""The server as a process of its own, on a port that is free."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LISTENING = re.compile(r"listening at (http://\S+)")


@dataclass
class Running:
    """A server that listens.

    Attributes:
        process: of it.
        url: of it, without a slash at the end.
        log: file of what it says.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def health(self) -> dict[str, Any]:
        """What it says of itself; nothing while it can't be asked."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        return found

    def metrics(self) -> dict[str, float]:
        """Its samples, by name and labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            text: str = answer.read().decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def until_ready(self, seconds: float = 300.0) -> None:
        """Waits until the model is loaded."""
        end = time.monotonic() + seconds
        while self.health()["state"] != "ready":
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def end(self, seconds: float = 120.0) -> int:
        """Tells it to end, and gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def running(folder: Path, *flags: str, variables: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Runs `bark serve` with flags; it is gone when the block ends."""
    log = folder / "serve.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("BARK_")}
    env |= {"XDG_DATA_HOME": str(folder / "data"), "BARK_DEVICE": "cpu", **(variables or {})}
    command = [sys.executable, "-m", "bark", "serve", "--port", "0", *flags]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, env=env) as process:
        try:
            yield Running(process, _url(process, log), log)
        finally:
            if process.poll() is None:
                process.kill()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, once it does."""
    for _ in range(3000):
        if found := LISTENING.search(log.read_text()):
            return found[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    raise AssertionError(log.read_text())
