"""Who speaks, as Suno's prompts say it before a text, in the tags that a model knows."""

from __future__ import annotations

import re

LABEL = re.compile(r"^([^\S\n]*)(?:(MAN|WOMAN)|NARRATOR)[^\S\n]*:[^\S\n]*(?=\S)", re.MULTILINE)

SPEAKER = re.compile(r"\[(MAN|WOMAN)\]\s*")
TURN = re.compile(r"(?<=\S)\s*(?=\[(?:MAN|WOMAN)\])")


def turns(text: str) -> str:
    """A text with a paragraph of its own for each [MAN] and [WOMAN], so that nobody's line is joined to another's."""
    return TURN.sub("\n\n", text)


def labels(text: str) -> str:
    """`MAN:` and `WOMAN:` at the beginning of a line become `[MAN]` and `[WOMAN]`; `NARRATOR:` goes, asking for nobody.

    A label with nothing after it stays, and so does one in small letters.
    """
    return LABEL.sub(lambda found: found[1] + (f"[{found[2]}] " if found[2] else ""), text)
