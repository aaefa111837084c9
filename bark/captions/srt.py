"""SubRip (`.srt`), as players read and write it; there is no standard."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from bark.captions.blocks import checked, clock, decoded, read_bytes, shown, time_span
from bark.captions.cue import Cue
from bark.files import replacing

MARKUP = re.compile(r"</?(?:b|i|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}|\{/?[biu]\}", re.IGNORECASE)
INDEX = re.compile(r"\s*\d+\s*")


def format_srt(cues: Iterable[Cue]) -> str:
    """Cues as SubRip; it has no place for speakers."""
    blocks = []
    for index, cue in enumerate(cues, 1):
        text = shown(cue.text).replace("-->", "→")
        blocks.append(f"{index}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def write_srt(path: str | os.PathLike[str], cues: Iterable[Cue]) -> None:
    """Writes `format_srt`, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(format_srt(cues), encoding="utf-8", newline="")


def read_srt(path: str | os.PathLike[str]) -> list[Cue]:
    """Cues of a file; see `parse_srt`.

    Raises:
        TextError: it can't be read, or is not SubRip.
    """
    return parse_srt(read_bytes(path), str(path))


def parse_srt(content: str | bytes, name: str = "SRT") -> list[Cue]:
    """Cues of SubRip text: in any line ends, with a byte order mark or none, with or without numbers and empty lines.

    Bold, italics, colours and places are left out.

    Args:
        content: bytes are UTF-8, or UTF-16 with its mark.
        name: said in errors.

    Raises:
        TextError: it is not SubRip, or a cue ends before it begins, or begins before the one before it ends; with the
            number of the line.
    """
    lines = decoded(content, name).split("\n")
    times = [i for i, line in enumerate(lines) if "-->" in line]
    first = [i - 1 if i and INDEX.fullmatch(lines[i - 1]) else i for i in times]
    found = []
    for place, end in zip(times, [*first[1:], len(lines)], strict=False):
        start, stop = time_span(lines[place], place, name)
        text = MARKUP.sub("", "\n".join(lines[place + 1 : end]))
        found.append((place, Cue(shown(text), start, stop)))
    return checked(found, lines[: first[0]] if first else lines, name)
