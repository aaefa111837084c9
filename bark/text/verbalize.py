"""Figures, dates, times, sums of money and abbreviations as the words that are said for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from bark.text.forms import SPOKEN
from bark.text.language import language_of_text
from bark.text.numbers import Unsayable
from bark.text.readings import PINYIN
from bark.text.rules import Rules, Said
from bark.text.tags import TAG

SENTENCE = re.compile(r"(?<=[.!?…][\s\"'»”)])(?=\s*\S)|(?<=[。！？।\n])")
SHORT = sorted({re.escape(each[:-1]) for words in SPOKEN.values() for each in words.short if each.endswith(".")})
NO_END = re.compile(rf"(?<![^\W_])(?:\d+|[^\W\d_]|{'|'.join(SHORT)})\.\s$")
LONGEST_SHORT = 40  # characters; of a text of any length only its end is looked at
KEPT = re.compile(f"({TAG.pattern}|{PINYIN})")
WRITTEN = re.compile(r"[0-9٠-٩०-९０-９]|[€$£¥₹₩₽₺%]|\w\.|№|n°|\b(?:Mme|Mlle|dr|nr|г-)")


def verbalize(text: str, language: str | None = None) -> str:
    """The text as it is said: what has no figures, signs and abbreviations is left as it is.

    Each sentence is in the language that it seems to be in. What stands in brackets is left alone.

    Args:
        text: of any length.
        language: that is expected, as a two-letter code; None for English.

    Returns:
        The text.
    """
    if not WRITTEN.search(text):
        return text
    return "".join(_sentence(part, language or "en") for part in _sentences(text))


def _sentences(text: str) -> Iterator[str]:
    """Those of a text, put together the text; a full stop after a figure or an abbreviation ends none."""
    waiting = ""
    for part in SENTENCE.split(text):
        waiting += part
        if not NO_END.search(waiting[-LONGEST_SHORT:]):
            yield waiting
            waiting = ""
    yield waiting


def _sentence(text: str, expected: str) -> str:
    language = language_of_text(text, expected) or expected
    if not WRITTEN.search(text) or language not in SPOKEN:
        return text
    parts = KEPT.split(text)
    return "".join(part if KEPT.fullmatch(part) else _said(part, language) for part in parts)


def _said(text: str, language: str) -> str:
    text = text.translate(FIGURES)
    for pattern, said in _rules(language):
        text = pattern.sub(_or_as_it_is(said), text)
    return text


FIGURES = {
    ord(sign): str(value % 10)
    for start in "٠०０"
    for value, sign in enumerate(map(chr, range(ord(start), ord(start) + 10)))
}


@cache
def _rules(language: str) -> tuple[tuple[re.Pattern[str], Said], ...]:
    return tuple(Rules(language).all())


def _or_as_it_is(said: Said) -> Said:
    def kept(match: re.Match[str]) -> str:
        try:
            return said(match)
        except Unsayable:
            return match[0]

    return kept
