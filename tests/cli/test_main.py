"""The command itself: help, versions, exit statuses, errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import typer

import bark
from bark.cli import main as main_module
from bark.errors import BarkError, OptionError, OutputError

HEAVY = "torch", "numpy", "tokenizers", "soundfile"


def modules_after(arguments: list[str]) -> str:
    """Names of the modules that are imported once the command has run."""
    code = (
        "import sys\nfrom bark.cli.main import main\n"
        f"sys.argv = {['bark', *arguments]!r}\n"
        "try: main()\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stderr


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["voices", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    imported = modules_after(arguments).split()
    assert "bark.cli.main" in imported
    assert not set(HEAVY) & set(imported)


def test_mistakes_are_found_before_torch_is_imported() -> None:
    imported = modules_after(["generate", "--temperature", "-1", "Hello"]).split()
    assert "torch" not in imported


def test_help_names_every_command(call: Callable[..., Any]) -> None:
    outcome = call("--help")
    assert outcome.status == 0
    for name in main_module.COMMANDS:
        assert name in outcome.out.decode()
    assert "--seed" in call("generate", "-h").out.decode()


def test_no_arguments_show_help_as_a_mistake(call: Callable[..., Any]) -> None:
    outcome = call()
    assert (outcome.status, outcome.err) == (2, "")
    assert b"Usage: bark" in outcome.out


def test_version(call: Callable[..., Any]) -> None:
    assert call("--version") == (0, f"bark {bark.__version__}\n".encode(), "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["shout"], "No such command 'shout'"),
        (["--loud"], "No such option: --loud"),
        (["generate", "--sed", "1", "Hi"], "No such option: --sed"),
        (["generate", "--seed", "one", "Hi"], "Invalid value for '--seed'"),
        (["generate", "--seed", "-1", "Hi"], "seed must be a whole number, at least 0"),
        (["generate", "--temperature", "-1", "Hi"], "temperature must be a number at least 0"),
        (["generate", "--device", "abacus", "Hi"], "'abacus' is not a device"),
        (["generate"], "give the text once"),
        (["generate", "Hi", "--text", "Ho"], "give the text once"),
    ],
)
def test_usage_errors_are_a_sentence_and_status_2(
    call: Callable[..., Any], arguments: list[str], sentence: str
) -> None:
    outcome = call(*arguments)
    assert outcome.status == 2
    assert outcome.out == b""
    assert outcome.err.startswith("bark: ")
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes `bark voices` raise."""

    def fail_with(error: BaseException) -> None:
        module = ModuleType("failing")
        module.app = typer.Typer(add_completion=False)  # type: ignore[attr-defined]

        @module.app.command()
        def command(debug: bool = False) -> None:
            raise error

        monkeypatch.setitem(sys.modules, "failing", module)
        monkeypatch.setitem(main_module.COMMANDS, "voices", ("failing", ""))

    return fail_with


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (BarkError("It broke."), 1, "bark: It broke.\n"),
        (OutputError("No room."), 1, "bark: No room.\n"),
        (OptionError("No such thing."), 2, "bark: No such thing.\n"),
        (ZeroDivisionError("by zero"), 1, "bark: unexpected ZeroDivisionError: by zero (--debug shows where)\n"),
        (KeyboardInterrupt(), 130, ""),
        (BarkError("half \ud800"), 1, "bark: half \\ud800\n"),
    ],
)
def test_errors_are_a_sentence_and_a_status(
    call: Callable[..., Any],
    failing: Callable[[BaseException], None],
    error: BaseException,
    status: int,
    sentence: str,
) -> None:
    failing(error)
    assert call("voices") == (status, b"", sentence)


def test_debug_shows_where(
    call: Callable[..., Any], failing: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(BarkError("It broke."))
    monkeypatch.setattr(sys, "argv", ["bark", "voices", "--debug"])
    with pytest.raises(BarkError, match="It broke"):
        main_module.main()
