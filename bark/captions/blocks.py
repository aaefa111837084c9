"""What SubRip and WebVTT share: bytes as text, a line with two times, and what cues must be."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from bark.captions.cue import Cue
from bark.errors import TextError

LARGEST = 16 << 20  # bytes; a day of talk has a tenth of that
MOST = 100_000  # cues
LATEST = 24 * 3600.0  # seconds
TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
SPAN = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?", re.DOTALL)
FOLD = re.compile(r"\s*\n\s*")
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """What is in a file of captions.

    Raises:
        TextError: it can't be read, or is too large for one.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise TextError(f"can't read {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise TextError(f"can't read {str(path)!r}: {error}") from error


def decoded(content: str | bytes, name: str) -> str:
    r"""Text with `\n` at the ends of its lines.

    Raises:
        TextError: it is too large, or in no encoding that is known.
    """
    if len(content) > LARGEST:
        raise TextError(f"{name} is larger than {LARGEST >> 20} MiB: that is no file of captions")
    if isinstance(content, bytes):
        content = _text(content, name)
    if "\0" in content:
        raise TextError(f"{name}: there are NUL characters in it: that is no file of captions")
    return content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _text(content: bytes, name: str) -> str:
    encoding = next((known for mark, known in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TextError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from error


def shown(text: str) -> str:
    """A cue's text as it may stand in a file: no empty lines, no characters that no reader takes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return FOLD.sub("\n", text.strip())


def clock(at: float, point: str) -> str:
    """Seconds as `00:01:02.345`, with a point or a comma."""
    hours, rest = divmod(round(max(0.0, at) * 1000), 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def time_span(line: str, place: int, name: str) -> tuple[float, float]:
    """Seconds of a line such as `00:00:01,000 --> 00:00:02,000`; what comes after it is left out.

    Raises:
        TextError: it is none.
    """
    found = SPAN.fullmatch(line)
    if not found:
        raise TextError(f"{name}, line {place + 1}: expected two times, as 00:01:02,345 --> 00:01:04,000; got {line!r}")
    times = found.groups()
    return seconds(times[:4]), seconds(times[4:])


def seconds(time: Sequence[str | None]) -> float:
    """Of hours, minutes, seconds and a fraction, of which the first and the last may be missing."""
    hours, minutes, whole, fraction = (part or "0" for part in time)
    milliseconds = int(fraction.ljust(3, "0"))
    return (((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1000 + milliseconds) / 1000


def checked(found: Sequence[tuple[int, Cue]], before: Iterable[str], name: str) -> list[Cue]:
    """The cues that say something, if all is well.

    Args:
        found: cues, each with the place of its times among the lines.
        before: lines before the first; nothing may be in them.
        name: said in errors.

    Raises:
        TextError: there are no cues, or too many, or their times make no sense.
    """
    for place, line in enumerate(before):
        if line.strip():
            raise TextError(f"{name}, line {place + 1}: text without a time: {line.strip()[:40]!r}")
    if not found:
        raise TextError(f"{name}: there are no captions in it")
    if len(found) > MOST:
        raise TextError(f"{name}: {len(found)} captions are more than the {MOST} that are read")
    for place, cue in found:
        if cue.end <= cue.start:
            raise TextError(
                f"{name}, line {place + 1}: the caption ends at {cue.end:g} s, but begins at {cue.start:g} s"
            )
        if cue.end > LATEST:
            raise TextError(f"{name}, line {place + 1}: the caption ends later than {LATEST / 3600:g} hours")
    for (_, before_it), (place, cue) in pairwise(found):
        if cue.start < before_it.end:
            raise TextError(
                f"{name}, line {place + 1}: the caption begins at {cue.start:g} s, "
                f"before the one before it ends, at {before_it.end:g} s"
            )
    return [cue for _, cue in found if cue.text]
