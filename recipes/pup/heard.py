"""Step `check`: what the judge hears in each clip, and how far that is from what was to be said.

Both are compared as sounds, read by the same G2P: so 12 and "zwölf", 這 and 这, 今日 and きょう, Hindi in Devanagari
and in Urdu's letters are the same, and a wrong tone isn't.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.metrics import Edits, character_edits, total
from bark.evaluation.whisper import PROMPTS, Transcriber
from bark.training.audio_corpus import Clip
from recipes.pup import g2p
from recipes.pup.corpus import SAMPLE_RATE, CorpusSet, read_rows, write_rows

TOGETHER = 8  # clips heard at once; sixteen are no faster
TONES = "↓→↗↘"
_ARABIC = re.compile(r"[\u0600-\u06ff]")


def check(sets: Sequence[CorpusSet], out: Path) -> None:
    """Hears every shard that wasn't heard yet, the first of every set first, and sifts all.

    First at a glance; then, with care, the clips that weren't understood so. A shard that is whole stays as it is; to
    sift more finely, change `max_error` and run it again.
    """
    judged = [part for part in sets if part.max_error is not None]
    shards = [(path, part) for part in judged for path in sorted((out / part.name).glob("*.spoken"))]
    shards.sort(key=lambda pair: pair[0].stem)
    for path, part in shards:
        if not path.with_suffix(".heard").exists():
            _write(path, part, _glances(clips(path)))
        sift(path, part)
    for path, part in shards:
        found = read_rows(path.with_suffix(".heard"))
        if any(_is_open(row, part) for row in found):
            pairs = zip(clips(path), found, strict=True)
            _write(path, part, [verdict(clip) if _is_open(row, part) else row for clip, row in pairs])
            sift(path, part)


def clips(path: Path) -> list[Clip]:
    """The clips of a shard, understood or not."""
    return [Clip(path.with_suffix(".pcm"), row) for row in read_rows(path.with_suffix(".spoken"))]


def _write(path: Path, part: CorpusSet, rows: Sequence[dict[str, Any]]) -> None:
    write_rows(path.with_suffix(".heard"), rows)
    print(f"{part.name}/{path.stem}: {_rate(rows):.3f} of the sounds misheard", flush=True)


def _glances(clips: Sequence[Clip]) -> list[dict[str, Any]]:
    """Verdicts at a glance, made of clips of like lengths together."""
    found: dict[int, dict[str, Any]] = {}
    order = sorted(range(len(clips)), key=lambda index: int(clips[index].row["samples"]))
    for start in range(0, len(order), TOGETHER):
        some = order[start : start + TOGETHER]
        listening = listener(clips[some[0]].row["language"])
        transcripts = listening.glances([clips[index].audio() for index in some], SAMPLE_RATE)
        for index, transcript in zip(some, transcripts, strict=True):
            found[index] = {**_verdict(clips[index], transcript), "glance": True}
    return [found[index] for index in range(len(clips))]


def _is_open(found: dict[str, Any], part: CorpusSet) -> bool:
    return bool(found.get("glance", False)) and not _understood(found, part)


def voices(sets: Sequence[CorpusSet], out: Path) -> str:
    """A table of what was heard of each voice so far, the best first."""
    lines = ["| set | voice | clips | sounds misheard | clips kept |", "| --- | --- | --- | --- | --- |"]
    for part in (part for part in sets if part.max_error is not None):
        found: dict[str, list[dict[str, Any]]] = {}
        for path in sorted((out / part.name).glob("*.heard")):
            for row, heard in zip(read_rows(path.with_suffix(".spoken")), read_rows(path), strict=True):
                found.setdefault(row["voice"], []).append(heard)
        lines += [_voice_line(part, voice, rows) for voice, rows in sorted(found.items(), key=lambda v: _rate(v[1]))]
    return "\n".join(lines)


def _voice_line(part: CorpusSet, voice: str, rows: Sequence[dict[str, Any]]) -> str:
    kept = sum(_understood(row, part) for row in rows) / len(rows)
    return f"| {part.name} | {voice} | {len(rows)} | {_rate(rows):.3f} | {kept:.0%} |"


def verdict(clip: Clip) -> dict[str, Any]:
    """What was heard of a clip, and how many of its sounds were wrong."""
    return _verdict(clip, listener(clip.row["language"]).hear(clip.audio(), SAMPLE_RATE))


def _verdict(clip: Clip, transcript: str) -> dict[str, Any]:
    wrong = edits(clip.row.get("said", clip.row["text"]), transcript, clip.row["language"])
    return {"id": clip.row["id"], "heard": transcript, "errors": wrong.errors, "sounds": wrong.total}


def sift(spoken: Path, part: CorpusSet) -> None:
    """Writes the rows of the clips that were understood beside a shard that was heard, if they aren't there."""
    pairs = zip(read_rows(spoken), read_rows(spoken.with_suffix(".heard")), strict=True)
    kept = [row for row, found in pairs if _understood(found, part)]
    path = spoken.with_suffix(".jsonl")
    if not path.exists() or read_rows(path) != kept:
        write_rows(path, kept)


def _understood(found: dict[str, Any], part: CorpusSet) -> bool:
    assert part.max_error is not None
    return bool(found["errors"] <= part.max_error * found["sounds"])


def _rate(rows: Sequence[dict[str, Any]]) -> float:
    return total(Edits(row["errors"], row["sounds"]) for row in rows).rate


class Listener:
    """Whisper base in int8, for one language.

    Raises:
        BarkError: its packages aren't installed.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._transcriber = Transcriber(language, precision="int8", prompt=PROMPTS.get(language))

    def hear(self, audio: npt.NDArray[np.float32], sample_rate: int) -> str:
        """What it understands; audio is [T] in [−1, 1]."""
        return self._transcriber.transcribe(audio, sample_rate)

    def glances(self, audios: Sequence[npt.NDArray[np.float32]], sample_rate: int) -> list[str]:
        """The same of several in an eighth of the time, now and then wrongly."""
        return self._transcriber.glances(audios, sample_rate)


def edits(text: str, heard: str, language: str) -> Edits:
    """Wrong, missing and added sounds of a transcript.

    Args:
        text: what was to be said, with marks or without.
        heard: the transcript.
        language: of the text.
    """
    return character_edits(sounds(text, language), sounds(heard, language))


def sounds(text: str, language: str) -> str:
    """A text's phonemes without stress, length, spaces and punctuation; tones stay."""
    script = "ur" if language == "hi" and _ARABIC.search(text) else language
    return "".join(p for p in g2p.phonemes(text, script) if p in TONES or unicodedata.category(p) in {"Ll", "Lu", "Mn"})


@cache
def listener(language: str) -> Listener:
    """The listener of a language, loaded once."""
    return Listener(language)
