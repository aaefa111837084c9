"""`bark voices`: the voices of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from bark.cli.arguments import Debug, Model

app = typer.Typer(
    help="See the voices of a model.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def voices() -> None:
    """Keeps `list` a subcommand, though it is the only one."""


@app.command("list")
def list_voices(
    model: Model = None,
    language: Annotated[str | None, typer.Option("--language", help="Only those of a language, as in en.")] = None,
    debug: Debug = False,
) -> None:
    """List the voices' names, one a line."""
    from bark.checkpoints.registry import find_checkpoint
    from bark.settings import Settings
    from bark.voices.library import voice_names

    settings = Settings.from_env()
    for name in voice_names(find_checkpoint(model or settings.model, settings) / "voices"):
        if language is None or name.rpartition("/")[2].startswith(f"{language}_"):
            typer.echo(name)
