"""A script as lines to be spoken, each in its speaker's voice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bark.casting import cast_voices, kind_of
from bark.lines import Line, Room, foreign, language_of, line_seed, spoken
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.text.language import language_code
from bark.text.normalize import SAYABLE
from bark.text.script import Member, Script, Turn, key_of, parse_script
from bark.tokens import SUNO
from bark.voices import Voice, VoiceLike

PAUSE = 0.4  # seconds between two turns, unless the script says


@dataclass(frozen=True)
class Role:
    """A speaker, ready to speak.

    Attributes:
        name: of the speaker.
        voice: None where the model has none; then their first line becomes it.
        options: of what they say.
        prefix: said to the model before their text, where it has no other way to know who speaks.
        own_seed: whether the seed of the options is theirs alone.
    """

    name: str
    voice: Voice | None
    options: GenerateOptions
    prefix: str = ""
    own_seed: bool = False


def as_script(script: Script | str, cast: Mapping[str, VoiceLike | None] | None = None) -> Script:
    """A script, read if it is text.

    Raises:
        TextError: its header is broken, or nobody says anything.
    """
    return script if isinstance(script, Script) else parse_script(script, cast or ())


def dialogue_lines(
    parts: Parts, script: Script, cast: Mapping[str, VoiceLike | None] | None, options: GenerateOptions
) -> Iterator[Line]:
    """The lines of a script; what is wrong with it is told at once.

    Args:
        parts: of the model.
        script: who says what.
        cast: voices by name; they come before those of the script.
        options: of all that have none of their own, with a seed.

    Raises:
        VoiceError: there is no such voice, or it is not of this model.
        OptionError: a seed or a temperature of the cast makes no sense.
    """
    roles = roles_of(parts, script, cast or {}, options)
    room = Room.of(parts.config, parts.tokenizer.encode)
    return _lines(script, roles, room, PAUSE if script.pause is None else script.pause)


def roles_of(
    parts: Parts, script: Script, cast: Mapping[str, VoiceLike | None], options: GenerateOptions
) -> dict[str, Role]:
    """Everybody who speaks, by name; raises as `dialogue_lines`."""
    chosen: dict[str, VoiceLike | None] = {name: member.voice for name, member in script.cast.items()}
    by_key = {key_of(name): name for name in chosen}
    for name, voice in cast.items():
        chosen[by_key.get(key_of(name), name)] = voice
    voices = cast_voices(parts, script.speakers, chosen, script.language)
    members = {key_of(name): member for name, member in script.cast.items()}
    return {
        name: _role(name, voice, members.get(key_of(name), Member()), options, parts) for name, voice in voices.items()
    }


def _role(name: str, voice: Voice | None, member: Member, options: GenerateOptions, parts: Parts) -> Role:
    own = options.with_changes(seed=member.seed, temperature=member.temperature)
    kind = kind_of(name) if voice is None and parts.config.tokens == SUNO else None
    return Role(name, voice, own, f"[{kind}] " if kind else "", member.seed is not None)


def _lines(script: Script, roles: Mapping[str, Role], room: Room, pause: float) -> Iterator[Line]:
    waiting: Line | None = None
    said = dict.fromkeys(roles, 0)
    count = 0
    for turn in script.turns:
        if not SAYABLE.search(turn.text):  # three dots: nobody speaks
            waiting = waiting and replace(waiting, pause=waiting.pause + pause)
            continue
        role = roles[turn.speaker]
        for line in _spoken(turn, role, room, language_code(script.language), pause):
            if waiting:
                yield waiting
            index = said[turn.speaker] if role.own_seed else count
            waiting = replace(line, seed=line_seed(role.options.seed or 0, index))
            said[turn.speaker] += 1
            count += 1
    if waiting:
        yield replace(waiting, pause=0.0)


def _spoken(turn: Turn, role: Role, room: Room, language: str | None, pause: float) -> Iterator[Line]:
    """A turn's lines; the pause after the last is that between turns."""
    own = language_of(role.voice) or language
    found = list(spoken(role.prefix + turn.text, room, language or own))
    for number, segment in enumerate(found, 1):
        after = pause if number == len(found) else segment.pause
        other = foreign(segment, own)
        yield Line(segment.text, after, role.voice, role.options, speaker=role.name, language=other)


def plain_text(script: Script) -> str:
    """What is said, without the names."""
    return " ".join(re.sub(r"\s+", " ", turn.text) for turn in script.turns)
