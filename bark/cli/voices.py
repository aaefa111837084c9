"""`bark voices`: the voices of a model, the user's own, and voices as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.cli.arguments import Debug, Model
from bark.cli.create import create
from bark.settings import Settings

if TYPE_CHECKING:
    from bark.tokens import TokenSpace
    from bark.voices import Voice, VoiceLibrary

app = typer.Typer(
    help="List, show, export and make voices.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("create")(create)
Name = Annotated[str, typer.Argument(metavar="VOICE", help="Name of a voice, an npz file, or a folder with one voice.")]


@app.command("list")
def list_voices(
    model: Model = None,
    language: Annotated[str | None, typer.Option("--language", help="Only those of a language, as in en.")] = None,
    debug: Debug = False,
) -> None:
    """List the voices' names, one a line."""
    from bark.checkpoints.registry import find_model, form_of
    from bark.checkpoints.voices import voice_places
    from bark.voices.library import voice_names

    settings = Settings.from_env()
    place = find_model(model or settings.model, settings)
    native = form_of(place.folder, place.size) == "native"
    for name in voice_names(*voice_places(place.folder, None if native else settings.hub), own=settings.voices):
        if language is None or name.rpartition("/")[2].startswith(f"{language}_"):
            typer.echo(name)


@app.command()
def show(voice: Name, model: Model = None, debug: Debug = False) -> None:
    """Check a voice against the model, and show its length and its arrays."""
    library, space = _library(model)
    for line in described(library.load(voice), space):
        typer.echo(line)


@app.command()
def export(
    voice: Name,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The npz file to write; else the voice's name, here.")
    ] = None,
    model: Model = None,
    debug: Debug = False,
) -> None:
    """Write a voice as an npz file, which every Bark reads."""
    library, _ = _library(model)
    found = library.load(voice)
    path = output or Path(f"{found.name.rpartition('/')[2]}.npz")
    found.save(path)
    typer.echo(path)


def described(voice: Voice, space: TokenSpace) -> list[str]:
    """What `show` says of a voice: its name, its length, and each array's shape and range."""
    arrays = {"semantic": voice.semantic, "coarse": voice.coarse, "fine": voice.fine}
    if voice.manner is not None:
        arrays["manner"] = voice.manner
    gains = voice.equalizer
    seconds = voice.fine.shape[1] / space.frame_rate
    return [
        f"{voice.name}: {seconds:.1f} s",
        *(f"{part:<9} {list(a.shape)!s:<11} {a.min()} to {a.max()}" for part, a in arrays.items()),
        *([] if gains is None else [f"equalizer {len(gains)} bands   {gains.min():.1f} to {gains.max():.1f} dB"]),
        *(f"{name.replace('_', ' ')}: {text}" for name, text in voice.about.items() if text.isprintable()),
    ]


def _library(model: str | None) -> tuple[VoiceLibrary, TokenSpace]:
    from bark.checkpoints.opening import open_model
    from bark.voices import VoiceLibrary

    settings = Settings.from_env()
    checkpoint = open_model(model or settings.model, settings)
    space = checkpoint.config.tokens
    return VoiceLibrary(checkpoint.voices, space, settings.voices), space
