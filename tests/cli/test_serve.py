"""The command `bark serve`: its flags, and what it says before it serves."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bark.cli.serve import UNFLAGGED, flags
from bark.server.settings import ServeSettings


def test_every_setting_has_a_flag() -> None:
    assert set(flags()) == {*ServeSettings.model_fields, "debug"} - UNFLAGGED


def test_help_has_them(call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = call("serve", "--help")
    assert outcome.status == 0
    shown = set(re.findall(r"--([a-z][a-z-]+)", outcome.out.decode()))
    assert {name.replace("_", "-") for name in flags()} <= shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "--port or BARK_SERVE_PORT"),
        (["--host", "0.0.0.0"], "BARK_API_KEYS"),
        (["--max_queue", "0"], "--max-queue"),
        (["--cors-origins", "here"], "an origin is"),
    ],
)
def test_mistakes(call: Callable[..., Any], arguments: list[str], said: str) -> None:
    outcome = call("serve", *arguments)
    assert (outcome.status, outcome.out) == (2, b"")
    assert outcome.err.startswith("bark: ") and said in outcome.err


def test_a_model_that_is_nowhere(call: Callable[..., Any]) -> None:
    outcome = call("serve", "--model", "nowhere", "--port", "0")
    assert outcome.status == 1
    assert "there is no model 'nowhere'" in outcome.err


@pytest.mark.parametrize(("name", "said"), [("nowhere.pem", "No such file"), ("empty.pem", "not in PEM")])
def test_a_certificate_that_is_none(call: Callable[..., Any], tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty.pem").touch()
    outcome = call("serve", "--port", "0", "--tls-cert", name, "--tls-key", name)
    assert outcome.status == 2
    assert name in outcome.err and said.lower() in outcome.err.lower()


def test_a_port_that_is_taken(call: Callable[..., Any]) -> None:
    """The process is left as it was, whoever it belongs to: a log would go on to a stream that may be closed."""
    handlers = list(logging.getLogger().handlers)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = call("serve", "--port", str(taken.getsockname()[1]))
    assert outcome.status == 1
    assert "can't listen at 127.0.0.1" in outcome.err
    assert logging.getLogger().handlers == handlers
