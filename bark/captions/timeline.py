"""A timeline in JSON: what is said when, by whom, word by word."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from bark.captions.cue import Cue
from bark.files import replacing


def timeline(cues: Iterable[Cue]) -> dict[str, Any]:
    """Cues as plain values, times in seconds to the millisecond.

    `exact` is whether the words' times were told by the model, not estimated; without words it is null.
    """
    return {"version": 1, "cues": [_plain(cue) for cue in cues]}


def format_json(cues: Iterable[Cue]) -> str:
    """`timeline` as JSON, a line a cue."""
    rows = ",\n".join(f"  {json.dumps(_plain(cue), ensure_ascii=False)}" for cue in cues)
    return f'{{"version": 1, "cues": [\n{rows}\n]}}\n'


def write_json(path: str | os.PathLike[str], cues: Iterable[Cue]) -> None:
    """Writes `format_json`, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(format_json(cues), encoding="utf-8", newline="")


def _plain(cue: Cue) -> dict[str, Any]:
    return {
        "text": cue.text,
        "start": round(cue.start, 3),
        "end": round(cue.end, 3),
        "speaker": cue.speaker,
        "exact": cue.exact if cue.words else None,
        "words": [{"text": w.text, "start": round(w.start, 3), "end": round(w.end, 3)} for w in cue.words],
    }
