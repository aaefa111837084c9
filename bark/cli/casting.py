"""Who has which voice, on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from bark.errors import OptionError

if TYPE_CHECKING:
    from bark.lines import Line
    from bark.options import GenerateOptions
    from bark.pipeline import Bark

Cast = Annotated[
    list[str] | None,
    typer.Option("--cast", metavar="NAME=VOICE", help="The voice of a speaker; as often as there are speakers."),
]


def cast_of(given: Sequence[str] | None, narrator: str | None = None) -> dict[str, str | None]:
    """Voices by the names of speakers.

    Args:
        given: each as `NAME=VOICE`.
        narrator: the voice of what nobody by name says; None for any.

    Raises:
        OptionError: one is not of this kind, or two are of one name.
    """
    from bark.text.script import NARRATOR, check_name, key_of

    cast: dict[str, str | None] = {}
    for each in given or ():
        name, _, voice = each.partition("=")
        if not voice.strip():
            raise OptionError(f"--cast wants NAME=VOICE, as ANN=v2/en_speaker_0, not {each!r}")
        name = check_name(name, "--cast")
        if key_of(name) in map(key_of, cast):
            raise OptionError(f"--cast has {name} twice")
        cast[name] = voice.strip()
    if narrator is not None and key_of(NARRATOR) not in map(key_of, cast):
        cast[NARRATOR] = narrator
    return cast


def planned(
    bark: Bark,
    text: str,
    voice: str | None,
    roles: dict[str, str | None] | None,
    options: GenerateOptions,
    language: str | None,
) -> list[Line]:
    """The lines of a text or, where there are roles, of a script; raises as `Bark.plan` and `Bark.dialogue` do."""
    if roles is None:
        return bark.plan(text, voice, options, language)
    from bark.text.script import parse_script

    script = parse_script(text, roles)
    return bark.plan_dialogue(replace(script, language=language or script.language), roles, options)
