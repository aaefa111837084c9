"""The command's entry: finds the subcommand, and turns errors into a sentence and an exit status."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup
from typer.main import get_command

import bark
from bark.errors import BarkError, BarkWarning, OptionError

COMMANDS = {  # name: (module with a typer `app`, what --help says)
    "generate": ("bark.cli.generate", "Speak a text."),
    "redo": ("bark.cli.redo", "Speak some lines of a project anew."),
    "dub": ("bark.cli.dub", "Speak captions so that they fit their times."),
    "voices": ("bark.cli.voices", "List, show, export and make voices."),
    "models": ("bark.cli.models", "List, fetch, check and convert models."),
    "serve": ("bark.cli.serve", "Serve speech over HTTP, as OpenAI's API does."),
    "train": ("bark.cli.train", "Train the stages of a model."),
    "evaluate": ("bark.cli.evaluate", "Measure how well a model speaks."),
    "bench": ("bark.cli.bench", "Measure how fast a model is on this machine."),
    "doctor": ("bark.cli.doctor", "Say what would be used, and what is missing."),
}
ORIGINAL = "bark.cli.original"  # what runs where there is no command, but one of the original's flags
ORIGINAL_FLAGS = {
    "--text",
    "--output-filename",
    "--output-dir",
    "--history-prompt",
    "--text-temp",
    "--waveform-temp",
    "--silent",
    "--output-full",
}
USAGE, FAILURE, INTERRUPTED = 2, 1, 130


class LazyGroup(TyperGroup):
    """Imports a subcommand's module only when that subcommand runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sends the original's flags, which come without a command, to where they are read."""
        flags = {arg.partition("=")[0].replace("_", "-") for arg in args}
        if args and args[0].startswith("--") and flags & ORIGINAL_FLAGS:
            args = [ORIGINAL, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order that help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that has a name and help."""
        if cmd_name == ORIGINAL:
            return self._imported(ORIGINAL, ctx.info_name)
        if cmd_name not in COMMANDS:
            return None
        stand_in = typer.Typer(add_completion=False)
        stand_in.command(name=cmd_name, help=COMMANDS[cmd_name][1])(lambda: None)
        return get_command(stand_in)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, to run."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            command = self._imported(COMMANDS[name][0], name)
        return name, command, rest

    def _imported(self, module: str, name: str) -> Any:
        command = get_command(import_module(module).app)
        command.name = name
        return command


app = typer.Typer(
    cls=LazyGroup,
    help="Text to speech, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda flag: flag.replace("_", "-"),
    },
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bark {bark.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """What comes before a subcommand."""


def main() -> NoReturn:
    """Runs the command of `sys.argv` and exits: 0, 1 for a failure, 2 for a mistake in how it was called."""
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", BarkWarning)
    try:
        status = app(prog_name="bark", standalone_mode=False)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(_report(error))
    sys.exit(status if isinstance(status, int) else 0)


def _report(error: Exception) -> int:
    """Says what went wrong in a sentence, and gives the exit status."""
    if isinstance(error, BarkError):
        _say(str(error))
        return USAGE if isinstance(error, OptionError) else FAILURE
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if hasattr(error, "format_message"):  # typer's own usage errors, whose class it doesn't export
        if error.format_message():  # empty where help was shown instead
            _say(error.format_message())
        return USAGE
    _say(f"unexpected {type(error).__name__}: {error} (--debug shows where)")
    return FAILURE


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Warnings for the user as a sentence; those for developers stay out of the way."""
    if issubclass(category, BarkWarning):
        _say(f"warning: {message}")


def _say(text: str) -> None:
    # what stderr can't encode must not turn an error into another one
    print(f"bark: {text}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
