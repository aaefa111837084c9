"""What the README shows, works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bark import generation

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Code blocks of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [code for kind, code in found if kind == language]


SET_UP = [block for block in blocks("sh") if block.startswith("make ")]
SHELL = [block for block in blocks("sh") if block not in SET_UP]


@pytest.fixture(autouse=True)
def _tiny_model(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    yield
    generation.clean_models()  # the original's functions keep it, for whoever calls them next


def test_there_are_examples() -> None:
    assert len(blocks("python")) >= 3
    assert len(SHELL) >= 1


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")  # what random weights say looks wrong
@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_shell_examples(tmp_path: Path, call: Callable[..., Any]) -> None:
    """What a shell must begin, it begins; other lines are run here, as torch takes seconds to start."""
    shown = b""
    for line in "".join(SHELL).splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "bark" and "|" not in words:
            status, out, err = call(*words[1:])
        else:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, timeout=120)
            status, out, err = done.returncode, done.stdout, done.stderr.decode()
        assert status == 0, f"{line}\n{err}"
        shown += out
    assert b"v2/en_speaker_0" in shown
    names = [f"{name}.wav" for name in ("hello", "bark_generation", "hallo", "song", "streamed", "piped", "suno")]
    for name in names:
        assert (tmp_path / name).read_bytes()[:4] == b"RIFF", name


def test_set_up_takes_two_commands_that_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shown = re.findall(r"^make (\w+)", "".join(SET_UP), re.MULTILINE)
    assert shown == ["demo", "test"]
    assert set(shown) <= set(targets)


def test_the_tree_shows_every_room() -> None:
    shown = {name.rstrip("/") for name in re.findall(r"^  (\S+)", blocks("")[0], re.MULTILINE)}
    rooms = {path.relative_to(ROOT / "bark").parts[0] for path in (ROOT / "bark").rglob("*.py")}
    assert shown == rooms - {"__main__.py"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
