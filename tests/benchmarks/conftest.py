"""Workers of a few lines, for everything but the real implementations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import systems
from benchmarks.systems import WORKERS, Kind

FAKE = """
import sys
sys.path.insert(0, {workers!r})
from pathlib import Path
from serving import MissingError, serve

class Fake:
    def __init__(self, asked):
        self.factor = float(asked["options"]["factor"])
        if self.factor < 0:
            raise ValueError("it can't be loaded")
        self.log = Path({log!r})

    def note(self, what, seconds, **more):
        with self.log.open("a") as file:
            file.write(f"{{self.factor:g}} {{what}}\\n")
        return {{"seconds": seconds * self.factor, **more}}

    def semantic(self, tokens): return self.note("semantic", 0.5 + 0.01 * (tokens - 1))
    def coarse(self, semantic, voice): return self.note("coarse", 1.0, tokens=float(3 * semantic // 2 * 2))
    def fine(self, frames, voice): raise MissingError("it has no fine stage")
    def codec(self, frames): return self.note("codec", 0.2)
    def batch(self, tokens, rows): return self.note("batch", 1.0, duration=4.0 * rows)
    def memory(self): return {{"memory": 1.0}}
    def check(self, tokens): return {{"semantic": [1, 2], "coarse": [3], "fine": [int(self.factor)]}}

    def speech(self, tokens, voice):
        print("what an implementation prints is no answer")
        if voice and self.factor == 3:
            raise RuntimeError("it broke")
        return self.note("speech", 8.0, duration=4.0, first=1.0)

serve(Fake)
"""


@pytest.fixture
def fake_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Adds an implementation `fake` that needs no weights, and notes here what it is asked for."""
    log, script = tmp_path / "asked.txt", tmp_path / "fake.py"
    script.write_text(FAKE.format(workers=str(WORKERS), log=str(log)))
    monkeypatch.setitem(systems.KINDS, "fake", Kind(script, "native"))
    monkeypatch.setattr("benchmarks.compare.write_weights", lambda config, folder, form: folder.mkdir())
    return log


@pytest.fixture
def told() -> tuple[list[str], Callable[[str], None]]:
    """What a command tells."""
    lines: list[str] = []
    return lines, lines.append
