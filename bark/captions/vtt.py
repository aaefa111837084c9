"""WebVTT (`.vtt`, W3C 2019), with speakers, and with the times of words where they are known."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Iterator

from bark.captions.blocks import TIME, checked, clock, decoded, read_bytes, seconds, shown, time_span
from bark.captions.cue import Cue, Word
from bark.errors import TextError
from bark.files import replacing

HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
SKIPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s.*)?")
VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
STAMP = re.compile(rf"<{TIME}>")
TAG = re.compile(r"<[^>]*>")


def format_vtt(cues: Iterable[Cue], words: bool = False) -> str:
    """Cues as WebVTT.

    Args:
        cues: in the order of time.
        words: whether each word's time stands before it, `<00:00:01.000>`, so that players can follow.
    """
    return "\n".join(["WEBVTT\n", *(_block(cue, words) for cue in cues)])


def write_vtt(path: str | os.PathLike[str], cues: Iterable[Cue], words: bool = False) -> None:
    """Writes `format_vtt`, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(format_vtt(cues, words), encoding="utf-8", newline="")


def read_vtt(path: str | os.PathLike[str]) -> list[Cue]:
    """Cues of a file; see `parse_vtt`.

    Raises:
        TextError: it can't be read, or is not WebVTT.
    """
    return parse_vtt(read_bytes(path), str(path))


def parse_vtt(content: str | bytes, name: str = "WebVTT") -> list[Cue]:
    """Cues of WebVTT text, with their speakers and the times of words; styles, notes and places are left out.

    Args:
        content: bytes are UTF-8, or UTF-16 with its mark.
        name: said in errors.

    Raises:
        TextError: it is not WebVTT, or a cue ends before it begins, or begins before the one before it ends; with the
            number of the line.
    """
    lines = decoded(content, name).split("\n")
    if not HEADER.fullmatch(lines[0]):
        raise TextError(f"{name}, line 1: expected WEBVTT, got {lines[0][:40]!r}")
    found = []
    for start, block in _blocks(lines):
        head = len(block) if start == 0 else 2  # a time ends the header, as browsers read it
        timed = next((i for i, line in enumerate(block[:head]) if "-->" in line), None)
        if timed is None and (start == 0 or SKIPPED.fullmatch(block[0])):
            continue
        if timed is None:
            raise TextError(f"{name}, line {start + 1}: text without a time: {block[0].strip()[:40]!r}")
        place = start + timed
        found.append((place, _cue("\n".join(block[timed + 1 :]), *time_span(block[timed], place, name))))
    return checked(found, (), name)


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """What stands between empty lines, and the place of each."""
    start = 0
    for place, line in enumerate([*lines, ""]):
        if not line.strip():
            if place > start:
                yield start, lines[start:place]
            start = place + 1


def _cue(payload: str, start: float, end: float) -> Cue:
    speaker = VOICE.search(payload)
    name = html.unescape(speaker[1]).strip() or None if speaker else None
    pieces = STAMP.split(payload)
    times = [seconds(pieces[i : i + 4]) for i in range(1, len(pieces), 5)]
    texts = [_plain(piece) for piece in pieces[::5]]
    text = shown("".join(texts))
    words = _words(texts, [start, *times, end]) if times else ()
    return Cue(text, start, end, name, words)


def _words(texts: list[str], times: list[float]) -> tuple[Word, ...]:
    spans = zip(texts, times, times[1:], strict=False)
    return tuple(Word(text.strip(), start, end) for text, start, end in spans if text.strip())


def _plain(piece: str) -> str:
    return html.unescape(TAG.sub("", piece))


def _block(cue: Cue, words: bool) -> str:
    text = shown(cue.text)
    said = _with_stamps(text, cue) if words and cue.words else html.escape(text, quote=False)
    if cue.speaker:
        said = f"<v {html.escape(' '.join(cue.speaker.split()), quote=False)}>{said}"
    return f"{clock(cue.start, '.')} --> {clock(cue.end, '.')}\n{said}\n"


def _with_stamps(text: str, cue: Cue) -> str:
    """The text with the time of each word before it, but of one that begins with the cue; times only ever grow."""
    said, place, last = "", 0, cue.start
    for word in cue.words:
        found = text.find(word.text, place)
        if found < 0:
            continue
        said += html.escape(text[place:found], quote=False)
        if round(word.start, 3) > round(last, 3) and word.start < cue.end:
            said += f"<{clock(word.start, '.')}>"
            last = word.start
        place = found + len(word.text)
        said += html.escape(text[found:place], quote=False)
    return said + html.escape(text[place:], quote=False)
