"""Tags, `[laughs]`, which stand for sounds among the words of a text."""

from __future__ import annotations

import re
from collections.abc import Collection

TAG = re.compile(r"\[[^\[\]\n]{1,40}\]")


def sounds_in(text: str, tags: Collection[str]) -> list[tuple[int, int]]:
    """Characters [start, end) of each tag that is among some, which are in small letters."""
    return [found.span() for found in TAG.finditer(text) if found[0].lower() in tags]
