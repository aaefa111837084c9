"""`bark voices create`: a voice from a recording."""

from __future__ import annotations

import getpass
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.cli.arguments import Debug, Device, Model
from bark.errors import BarkError, OptionError, OutputError, VoiceError
from bark.files import check_target, reason
from bark.settings import Settings

if TYPE_CHECKING:
    from bark.pipeline import Bark
    from bark.voices import Consent, Voice
    from bark.voices.create import Embed

PREVIEW = "This is how I sound now. What would you like me to read to you?"
FLAG = "--i-have-consent"


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the voice: letters, digits and . _ -")],
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="About ten seconds of one person's speech.")],
    consent: Annotated[bool, typer.Option(FLAG, help="The person who is heard has agreed to this.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", help="Who says that they agree; else the user's name.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The npz file to write; else it is among your voices.", show_default=False),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option("--preview", help="An audio file in which the voice says a sentence.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="In whose preset's manner it reads.")] = "en",
    own_manner: Annotated[bool, typer.Option("--own-manner", help="It reads as the speaker does.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace your voice of that name.")] = False,
    model: Model = None,
    device: Device = None,
    debug: Debug = False,
) -> None:
    """Make a voice of a recording, which --voice NAME speaks in from then on.

    Whoever is heard in it must have agreed: say so with --i-have-consent, or when you are asked.
    """
    from bark.audio.read import read_audio
    from bark.pipeline import Bark
    from bark.rehearsal import Rehearsal
    from bark.voices import create_voice, reader

    bark = Bark(model, device)
    path = _target(name, output, bark, force)
    for each in (path, preview):
        if each is not None and each is not path:
            check_target(each)
    agreed = _consent(consent, by)
    audio = read_audio(recording, bark.sample_rate)
    manner = None if own_manner else reader(bark.parts, language)
    voice = create_voice(
        audio,
        bark.sample_rate,
        bark.parts,
        name=name,
        consent=agreed,
        manner=manner,
        sha256=_digest(recording),
        embed=_embed(),
        rehearse=Rehearsal(bark, language),
    )
    _save(voice, path)
    if preview is not None:
        bark.generate(PREVIEW, voice, seed=0).save(preview)
    typer.echo(path)


def _target(name: str, output: Path | None, bark: Bark, force: bool) -> Path:
    """Where the voice is written.

    Raises:
        VoiceError: the name is none, or there is such a voice.
    """
    from bark.voices.create import check_name

    check_name(name)
    if output is not None:
        return output
    path = Settings.from_env().voices / f"{name}.npz"
    if path.exists():
        if not force:
            raise VoiceError(f"there is a voice {name!r} of yours already; --force replaces it")
    elif name in bark.voices.names():
        raise VoiceError(f"{name!r} is a voice of {bark.config.name}; choose another name")
    return path


def _consent(given: bool, by: str | None) -> Consent:
    """What was agreed to: by the flag, or on a terminal.

    Raises:
        OptionError: it wasn't.
    """
    from bark.voices import Consent
    from bark.voices.consent import STATEMENT

    if not given:
        if not _asks():
            raise OptionError(f"a voice is made only with its speaker's consent: {FLAG} says that you have it")
        if not typer.confirm(f"{STATEMENT} Is that so?", err=True):
            raise OptionError("no voice was made: without the speaker's consent there is none")
    return Consent.now(by or _user())


def _asks() -> bool:
    """Whether there is anybody to ask."""
    return sys.stdin.isatty()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a user id that has no name
        return "somebody whose name is not known"


def _embed() -> Embed | None:
    """What tells speakers apart, where it is installed."""
    from bark.evaluation.judges import SpeakerJudge

    try:
        return SpeakerJudge().embed
    except BarkError:
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        found = hashlib.sha256()
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _save(voice: Voice, path: Path) -> None:
    if path.parent == Settings.from_env().voices:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"can't make the folder of your voices, {path.parent}: {reason(error)}") from error
    voice.save(path)
