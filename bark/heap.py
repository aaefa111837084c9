"""What is free in the process's memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys
import time
from functools import cache

EVERY = 30.0  # seconds; each time costs some milliseconds, and the next utterance takes a tenth longer

_last = time.monotonic()


def give_back() -> None:
    """Gives it back unless that was done a moment ago.

    Windows of ever new lengths leave holes between what torch still has: half an hour of speech took 170 MB more than
    ten seconds, nearly all of it free.
    """
    global _last
    if time.monotonic() - _last < EVERY:
        return
    trim = _trim()
    if trim is not None:
        trim(0)
    _last = time.monotonic()


@cache
def _trim() -> ctypes._NamedFuncPointer | None:
    """GNU's function for that; other C libraries do it by themselves, or never."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
