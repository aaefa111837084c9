"""Text as it was typed, to text as the tokenizer expects it."""

from __future__ import annotations

import re

from bark.errors import TextError

CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # those that aren't white space
SURROGATES = re.compile(r"[\ud800-\udfff]")
SAYABLE = re.compile(r"[^\W_]|♪")


def normalize(text: str) -> str:
    """Makes every run of white space one space, strips the ends, and drops control characters.

    Raises:
        TextError: nothing is left, or the text is not text.
    """
    return " ".join(clean(text).split())


def clean(text: str) -> str:
    """Drops control characters; white space stays.

    Raises:
        TextError: nothing but white space is left, or the text is not text.
    """
    if not isinstance(text, str):
        raise TextError(f"the text must be a str, not {type(text).__name__}")
    lone = SURROGATES.search(text)
    if lone:
        raise TextError(
            f"character {lone.start() + 1} of the text is half a character (U+{ord(lone.group()):04X}); "
            "it was probably decoded with the wrong encoding"
        )
    text = CONTROLS.sub("", text)
    if not text or text.isspace():
        raise TextError("there is no text to speak")
    return text
