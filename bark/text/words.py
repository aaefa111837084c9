"""Where the words of a text are."""

from __future__ import annotations

import re

from bark.text.tags import TAG

# scripts that are written without spaces: Han, kana, Thai, Lao, Khmer, Burmese; with the marks of a letter
SIGN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3041-\u30ff\u31f0-\u31ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
SIGNS = rf"{SIGN}[\u0300-\u036f\u3099\u309aー\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd]*"
PART = re.compile(rf"{TAG.pattern}|{SIGNS}|(?:(?!{TAG.pattern}|{SIGN})\S)+")
OPENING = "([{<«“‘「『（【〈《¿¡♪"
SOUNDS = re.compile(r"[^\W_]")


def word_spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of each word, in order.

    Words are what stands between spaces; in scripts without spaces, every sign is one. A tag in brackets is a word.
    Punctuation that stands alone belongs to the word before it, or, if it opens something, to the one after it.
    """
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    for part in PART.finditer(text):
        start, end = part.span()
        if SOUNDS.search(part[0]):
            spans.append((start if opened is None else opened, end))
            opened = None
        elif not spans or (part[0][0] in OPENING and _apart(text, start)):
            opened = start if opened is None else opened
        elif opened is None:
            spans[-1] = (spans[-1][0], end)
    if opened is not None and spans:
        spans[-1] = (spans[-1][0], len(text.rstrip()))
    return spans


def _apart(text: str, place: int) -> bool:
    """Whether nothing, a space, or a sign of a script without spaces comes before."""
    return place == 0 or text[place - 1].isspace() or re.fullmatch(SIGN, text[place - 1]) is not None
