"""The figures of `recipes.pup.abilities` as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from recipes.pup.expressive import TAGS, sung
from recipes.pup.tag_detector import kinds_of


def to_markdown(found: Mapping[str, Any]) -> str:
    """What `abilities` found; kinds that weren't measured have no rows."""
    rows = ["| | right | of | |", "| --- | ---: | ---: | --- |"]
    for kind, of in (("[MAN]", _people(found, "[MAN]", "MAN:")), ("[WOMAN]", _people(found, "[WOMAN]", "WOMAN:"))):
        if of:
            pitches = np.percentile([each["pitch"] for each in of], (5, 50, 95))
            low, middle, high = (round(float(each)) for each in pitches)
            rows.append(f"| {kind} | {sum(each['right'] for each in of)} | {len(of)} | {low}, {middle}, {high} Hz |")
    for language in dict.fromkeys(each["language"] for each in found.get("switching", [])):
        parts = [each for each in found["switching"] if each["language"] == language]
        heard = sorted({each["heard"] for each in parts} - {language})
        right = sum(each["heard"] == language for each in parts)
        rows.append(f"| {language} beside another language | {right} | {len(parts)} | {', '.join(heard)} |")
    for clone in found.get("cloning", []):
        alike = clone["likeness"]
        enough, mean = sum(each >= 0.75 for each in alike), np.mean(alike)
        speaker = f"{clone['speaker']} from {clone['seconds']:.0f} s"
        rows.append(f"| {speaker}, 0.75 or more | {enough} | {len(alike)} | {mean:.3f} |")
    rows += [*_tags(found.get("tags", [])), *_song(found.get("song", []))]
    return "\n".join(rows) + "\n"


def _people(found: Mapping[str, Any], *forms: str) -> list[dict[str, Any]]:
    return [each for each in found.get("people", []) if each["prompt"].startswith(forms)]


def _tags(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for tag in TAGS:
        asked = [each for each in lines if tag in each["prompt"]]
        if asked:
            right = sum(kinds_of(tag) <= set(each["heard"]) for each in asked)
            yield f"| {tag} heard | {right} | {len(asked)} | |"
    plain = [each for each in lines if not kinds_of(each["prompt"])]
    if plain:
        right, heard = sum(not each["heard"] for each in plain), sorted({kind for e in plain for kind in e["heard"]})
        yield f"| nothing asked for, nothing heard | {right} | {len(plain)} | {', '.join(heard)} |"


def _song(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for singer in ("pup", "teacher"):
        said, notes = (
            [e for e in lines if e["singer"] == singer and e["sung"] is by_note] for by_note in (False, True)
        )
        if said and notes:
            means = [np.mean([each[name] for each in part]) for name in ("held", "spread") for part in (said, notes)]
            line = "held {:.0%} said, {:.0%} sung; spread {:.1f}, {:.1f} semitones".format(*means)
            plain = {sung(each["prompt"]): each["held"] for each in said}
            beyond = sum(each["held"] > plain.get(each["prompt"], 1.0) for each in notes)
            yield f"| steadier sung than said, {singer} | {beyond} | {len(notes)} | {line} |"
