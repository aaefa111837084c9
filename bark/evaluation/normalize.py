"""Texts as they are compared: what is said counts, how it is written doesn't."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from bark.evaluation.packages import require

Normalizer = Callable[[str], str]
UNSPACED = {"ja", "zh"}  # written without spaces between words; those a transcript has mean nothing


def normalizer(language: str) -> Normalizer:
    """The normaliser of a language.

    English has Whisper's own (package `whisper_normalizer`): small letters, no punctuation, numbers in figures,
    contractions written out, one spelling for British and American, no "um" and "uh". All others: small letters,
    no punctuation; accents stay.

    Raises:
        BarkError: the package for English isn't installed.
    """
    if language == "en":
        whisper: Normalizer = require("whisper_normalizer.english").EnglishTextNormalizer()
        return lambda text: " ".join(whisper(text.replace("’", "'")).split())
    return _unspaced if language in UNSPACED else _plain


def _plain(text: str) -> str:
    """Small letters, marks and digits, with one space between words."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    # Marks stay: they are the vowels of Devanagari.
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded).split())


def _unspaced(text: str) -> str:
    return _plain(text).replace(" ", "")
