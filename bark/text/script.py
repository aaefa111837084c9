"""A script for several speakers: `NAME: what they say`, line by line, with a header that casts them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bark.errors import OptionError, TextError
from bark.text.language import language_code

NARRATOR = "NARRATOR"  # says what comes before the first name
LONGEST_NAME = 40
NAMED = re.compile(rf"\s*([^\s:：][^:：]{{0,{LONGEST_NAME - 1}}}?)\s*[:：](?!/)\s*(.*)", re.DOTALL)
MOST_WORDS = 4  # of a name
WITHIN = "'’.-_&"  # what may stand in a name beside letters and digits
FENCE = "---"
KEYS = ("cast", "language", "pause")
MEMBER_KEYS = ("voice", "seed", "temperature")


@dataclass(frozen=True)
class Member:
    """One of a cast.

    Attributes:
        voice: name or file; None for one of the model's.
        seed: of what they say.
        temperature: of their semantic and coarse stages.
    """

    voice: str | None = None
    seed: int | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Turn:
    """What a speaker says until another does.

    Attributes:
        speaker: their name, as the cast spells it.
        text: lines as they stand in the script, without the name.
        line: of the script where it begins, from 1 on.
    """

    speaker: str
    text: str
    line: int


@dataclass(frozen=True)
class Script:
    """Turns, and who takes them.

    Attributes:
        turns: in order; each says something, be it a tag or a pause.
        cast: of the header, by name.
        language: a two-letter code; None where the header doesn't say.
        pause: seconds between two turns; None where the header doesn't say.
    """

    turns: tuple[Turn, ...]
    cast: Mapping[str, Member] = field(default_factory=dict)
    language: str | None = None
    pause: float | None = None

    @property
    def speakers(self) -> list[str]:
        """Those who say something, in the order in which they first do."""
        return list(dict.fromkeys(turn.speaker for turn in self.turns))


def parse_script(text: str, names: Iterable[str] = (), name: str = "the script") -> Script:
    """Reads a script.

    A line that begins with a name and a colon begins a turn; others belong to the turn before. A name is one of the
    cast, in capitals or not, or up to four words in capitals, so that `Note: this` is no turn. Lines that begin with
    `#` are left out; a backslash before a `#` or a name makes a line plain text. Tags in brackets stay in the text.
    Between two lines `---` at the beginning may be YAML: `cast` (name: voice, or name: {voice, seed, temperature}),
    `language`, `pause`.

    Args:
        text: of the script.
        names: of speakers, besides those that the header casts.
        name: of the script, said in errors.

    Raises:
        TextError: the header is broken, or nobody says anything.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header, begin = _header(lines, name)
    cast = _cast(header.get("cast", {}), name)
    known = {key_of(each): each for each in (*names, *cast)}
    turns = tuple(_turns(lines[begin:], begin, known))
    if not turns:
        raise TextError(f"{name}: nobody says anything in it")
    return Script(turns, cast, _language(header.get("language"), name), _pause(header.get("pause"), name))


def speaker_of(line: str, known: Mapping[str, str]) -> tuple[str, str] | None:
    """The name that a line begins with, and what follows it; None if it begins with none.

    Args:
        line: of a script, or a caption.
        known: names as they should be spelt, by `key_of` them.
    """
    found = NAMED.fullmatch(line)
    if not found:
        return None
    label = " ".join(found[1].split())
    if key_of(label) in known:
        return known[key_of(label)], found[2]
    return (label, found[2]) if _is_name(label) else None


def key_of(name: str) -> str:
    """What names that differ in capitals and spaces alone have in common."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _is_name(label: str) -> bool:
    """Whether somebody is called so whom nobody has cast: a few words in capitals."""
    label = unicodedata.normalize("NFC", label)
    signs = all(sign.isalnum() or sign in WITHIN or unicodedata.category(sign)[0] in "MZ" for sign in label)
    return signs and label[0].isupper() and label == label.upper() and len(label.split()) <= MOST_WORDS


def _turns(lines: list[str], begin: int, known: Mapping[str, str]) -> Iterator[Turn]:
    speaker, said = known.get(key_of(NARRATOR), NARRATOR), list[tuple[int, str]]()
    for number, line in enumerate(lines, begin + 1):
        if line.lstrip().startswith("#"):
            continue
        found = speaker_of(line, known)
        if found is None:
            said.append((number, _unescaped(line, known)))
            continue
        yield from _turn(speaker, said)
        speaker, said = found[0], [(number, found[1])]
    yield from _turn(speaker, said)


def _turn(speaker: str, said: list[tuple[int, str]]) -> Iterator[Turn]:
    """The turn that lines, each with its number, make; none if they are empty."""
    first = next((number for number, line in said if line.strip()), None)
    if first is not None:
        yield Turn(speaker, "\n".join(line for _, line in said).strip(), first)


def _unescaped(line: str, known: Mapping[str, str]) -> str:
    bare = line.lstrip()
    if bare.startswith("\\") and (bare[1:].startswith("#") or speaker_of(bare[1:], known)):
        return bare[1:]
    return line


def _header(lines: list[str], name: str) -> tuple[Mapping[str, Any], int]:
    """What the header says, and the line after it."""
    begin = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[begin].rstrip() != FENCE:
        return {}, 0
    end = next((i for i in range(begin + 1, len(lines)) if lines[i].rstrip() == FENCE), None)
    if end is None:
        raise TextError(f"{name}, line {begin + 1}: the header that begins with --- must end with a second ---")
    from bark.text.header import read_header  # few scripts have a header, and YAML takes long to import

    header = read_header("\n".join(lines[begin + 1 : end]), begin + 1, name)
    return _mapping(header, KEYS, f"{name}: the header"), end + 1


def _mapping(value: Any, keys: Iterable[str], what: str) -> Mapping[str, Any]:
    """A value that has nothing but these keys; an empty one is an empty mapping."""
    if value in ("", None):
        return {}
    if not isinstance(value, Mapping):
        raise TextError(f"{what} must have a value each for {', '.join(keys)}, not {str(value)[:40]!r}")
    for key in value:
        if key not in keys:
            raise TextError(f"{what} has {key[:40]!r}; it may have {', '.join(keys)}")
    return value


def _cast(value: Any, name: str) -> dict[str, Member]:
    if value == "":
        return {}
    if not isinstance(value, Mapping):
        raise TextError(f"{name}: the cast must be names, each with a voice, not {str(value)[:40]!r}")
    cast: dict[str, Member] = {}
    for label, entry in value.items():
        if key_of(label) in map(key_of, cast):
            raise TextError(f"{name}: {check_name(label, name)} is cast twice")
        cast[check_name(label, name)] = _member(entry, f"{name}: {label} of the cast")
    return cast


def check_name(label: str, name: str) -> str:
    """A name that a line may begin with, its spaces made one.

    Raises:
        TextError: none may begin so.
    """
    label = " ".join(label.split())
    if not label or len(label) > LONGEST_NAME or re.search(r"[:：]|^[#\\]", label):
        raise TextError(
            f"{name}: {label[:60]!r} is no name for a speaker: 1 to {LONGEST_NAME} characters without a colon"
        )
    return label


def _member(value: Any, what: str) -> Member:
    if isinstance(value, str):
        return Member(value or None)
    entry = _mapping(value, MEMBER_KEYS, what)
    voice = entry.get("voice", "")
    if not isinstance(voice, str):
        raise TextError(f"{what}: the voice must be a name or a file, not {str(voice)[:40]!r}")
    seed, temperature = entry.get("seed"), entry.get("temperature")
    return Member(
        voice or None,
        None if seed is None else int(_number(seed, int, f"{what}: the seed")),
        None if temperature is None else _number(temperature, float, f"{what}: the temperature"),
    )


def _language(value: Any, name: str) -> str | None:
    try:
        return None if value == "" else language_code(value)
    except OptionError as error:
        raise TextError(f"{name}: {error}") from error


def _pause(value: Any, name: str) -> float | None:
    if value is None:
        return None
    pause = _number(value, float, f"{name}: the pause")
    if not 0 <= pause <= 60:
        raise TextError(f"{name}: the pause must be from 0 to 60 seconds, not {pause:g}")
    return pause


def _number(value: Any, kind: type[int] | type[float], what: str) -> int | float:
    try:
        return kind(value)
    except (ValueError, TypeError, OverflowError) as error:
        whole = "a whole number" if kind is int else "a number"
        raise TextError(f"{what} must be {whole}, not {str(value)[:40]!r}") from error
