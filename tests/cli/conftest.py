"""Calling the command without a process of its own, which takes torch a second to start."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bark.cli.main import main


class Outcome(NamedTuple):
    status: int
    out: bytes
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Call:
    """Runs `bark …` in an empty folder, with the tiny model."""
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["bark", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with warnings.catch_warnings(), pytest.raises(SystemExit) as caught:
            main()
        out, err = capsysbinary.readouterr()
        assert isinstance(caught.value.code, int)
        return Outcome(caught.value.code, out, err.decode())

    return call
