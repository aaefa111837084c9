"""Files of captions, by what their names end in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bark.captions.cue import Cue, by_word
from bark.captions.fitting import fitted
from bark.captions.srt import read_srt, write_srt
from bark.captions.timeline import write_json
from bark.captions.vtt import read_vtt, write_vtt
from bark.errors import OptionError, TextError
from bark.files import check_target

WRITTEN = (".srt", ".vtt", ".json")
READ = (".srt", ".vtt")
BY = ("segment", "word")


def check_captions(path: str | os.PathLike[str], by: str = "segment") -> None:
    """Finds out whether captions can be written there, before the work is done.

    Raises:
        OptionError: the name says no format, or they can't be cut like that.
        OutputError: no file can be there.
    """
    if Path(path).suffix.lower() not in WRITTEN:
        raise OptionError(f"captions are written to .srt, .vtt or .json, not to {path}")
    if by not in BY:
        raise OptionError(f"captions are by segment or by word, not by {by!r}")
    check_target(path)


def write_captions(path: str | os.PathLike[str], cues: Iterable[Cue], by: str = "segment") -> None:
    """Writes captions, whole or not at all.

    Args:
        path: its suffix says the format: .srt, .vtt, or .json, which has all that is known.
        cues: with words, in the order of time; see `bark.captions.cues`.
        by: `segment` for captions that can be read, of up to two lines (in JSON: what was spoken in one go), or
            `word` for one for each word.

    Raises:
        OptionError, OutputError: as `check_captions`.
    """
    check_captions(path, by)
    suffix = Path(path).suffix.lower()
    if by == "word":
        cues = by_word(cues)
    if suffix == ".json":
        write_json(path, cues)
    elif suffix == ".vtt":
        write_vtt(path, cues if by == "word" else fitted(cues))
    else:
        write_srt(path, cues if by == "word" else fitted(cues))


def read_captions(path: str | os.PathLike[str]) -> Sequence[Cue]:
    """Cues of a file; its suffix says the format.

    Raises:
        TextError: it is neither .srt nor .vtt, or can't be read, or makes no sense.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READ:
        raise TextError(f"captions are read from .srt and .vtt, not from {path}")
    return read_vtt(path) if suffix == ".vtt" else read_srt(path)
