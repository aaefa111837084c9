"""`bark models`: the models on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bark.cli.arguments import Debug, Small
from bark.errors import CheckpointError
from bark.settings import Settings

app = typer.Typer(
    help="List, fetch, check and convert models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Name = Annotated[str | None, typer.Argument(metavar="MODEL", help="Name or folder; else $BARK_MODEL, else pup.")]


@app.command("list")
def list_models(debug: Debug = False) -> None:
    """List the models on this machine: name, form, megabytes, folder."""
    from bark.store.listing import list_models

    for model in list_models():
        typer.echo(f"{model.name:<20} {model.form:<12} {model.size / 1e6:>8.1f} MB  {model.folder}")


@app.command()
def download(
    repository: Annotated[str, typer.Argument(help="owner/name on 🤗's hub, as in suno/bark-small.")],
    revision: Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bars.")] = False,
    debug: Debug = False,
) -> None:
    """Fetch a model into 🤗's cache, or what is missing of it, and show its folder."""
    from bark.store.download import download_model

    typer.echo(download_model(repository, revision, quiet=quiet))


@app.command()
def path(name: Name = None, small: Small = None, debug: Debug = False) -> None:
    """Show the folder of a model."""
    from bark.checkpoints.registry import find_model

    settings = _settings(small)
    typer.echo(find_model(name or settings.model, settings).folder)


@app.command()
def verify(name: Name = None, small: Small = None, debug: Debug = False) -> None:
    """Read all of a model, and say what is wrong with it."""
    from bark.checkpoints.registry import find_model
    from bark.store.verify import find_faults

    settings = _settings(small)
    folder = find_model(name or settings.model, settings).folder
    faults = find_faults(name or settings.model, settings)
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise CheckpointError(f"{folder} has {len(faults)} fault{'s' if len(faults) > 1 else ''}")
    typer.echo(f"{folder} is whole")


@app.command()
def convert(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name or folder, of any form.")],
    folder: Annotated[Path, typer.Argument(help="To write to.")],
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="Of the weights: float32, bfloat16, float16; else as they are.")
    ] = None,
    quantize: Annotated[
        str | None, typer.Option("--quantize", help="int8: the three stages' weights in a byte each.")
    ] = None,
    small: Small = None,
    debug: Debug = False,
) -> None:
    """Write a model as one folder of safetensors, with its tokenizer and voices."""
    from bark.store.convert import convert_model

    typer.echo(convert_model(name, folder, dtype, _settings(small), quantize))


def _settings(small: bool | None) -> Settings:
    settings = Settings.from_env()
    return settings if small is None else replace(settings, small=small)
