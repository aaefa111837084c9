"""Bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from bark.progress import shown_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_bars_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with shown_progress() as progress:
        assert progress is None
    assert sys.stderr.getvalue() == ""


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as progress:
        assert progress is not None
        progress("semantic", 3.5, False)
        progress("semantic", 3.5, True)
        progress("codec", 1.0, False)
    shown = sys.stderr.getvalue()
    for word in ("semantic", "coarse", "fine", "codec", "3.5 s", "1.0 s"):
        assert word in shown


def test_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as progress:
        assert progress is not None
        progress("semantic", 3.5, True)
        progress.line(2, 7)
        progress("semantic", 0.5, False)
    assert "line 2 of 7" in sys.stderr.getvalue()
    assert "0.5 s" in sys.stderr.getvalue()
