"""What an evaluation in several languages found, as one table."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from bark.evaluation.metrics import Edits, interval, total
from bark.evaluation.report import Figures, Report, SystemReport
from recipes.pup.heard import edits

MEAN = "mean"
WORST = 5  # sentences shown of each language
HEADERS = (
    "language",
    "system",
    "sentences",
    "wrong %",
    "95 %",
    "sounds wrong %",
    "95 %",
    "like preset",
    "MOS",
    "× real time",
)
ABOUT = (
    "Wrong: words in English, characters in the other languages, of what Whisper base heard. Sounds: of the same, what "
    "was to be said and what was heard compared as phonemes, which scripts, figures and homophones can't disturb; of a "
    "sentence no more than all. "
    "Likeness: to the preset, of both."
)
Row = dict[str, Any]


def table(reports: Mapping[str, Report]) -> list[Row]:
    """A row for each language and system, and where there are several languages the mean of each system.

    Rates are shares; what nobody was asked is None.
    """
    rows = [_row(code, system) for code, report in reports.items() for system in report.systems]
    names = dict.fromkeys(row["system"] for row in rows)
    means = [_mean_row(name, [row for row in rows if row["system"] == name]) for name in names]
    return [*rows, *(means if len(reports) > 1 else [])]


def to_markdown(reports: Mapping[str, Report], presets: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The table, one of every voice, and the sentences that were understood worst.

    Args:
        reports: by language.
        presets: the teacher's voice of each preset, by language; None where they aren't to be named.
    """
    parts = [ABOUT, "", *_markdown_table(HEADERS, map(_cells, table(reports)))]
    parts += ["", *_markdown_table(("voice", *HEADERS[1:]), map(_cells, _voice_rows(reports, presets or {})))]
    for code, report in reports.items():
        for system in report.systems[:1]:
            parts += _worst(code, system)
    return "\n".join(parts) + "\n"


def _row(language: str, system: SystemReport, name: str | None = None, figures: Figures | None = None) -> Row:
    """Of all clips of a system, or of those in one voice, which has a name."""
    clips = [clip for clip in system.clips if name is None or clip["voice"] == name]
    found = figures or system.figures
    english = language == "en"
    heard = [(clip["text"], clip["transcript"]) for clip in clips if clip["transcript"] is not None]
    sounds = [_sounds(text, transcript, language) for text, transcript in heard]
    return {
        "language": name or language,
        "system": system.name,
        "sentences": found.clips,
        "wrong": found.wer if english else found.cer,
        "interval": found.wer_interval if english else found.cer_interval,
        "sounds": total(sounds).rate if sounds else None,
        "sounds_interval": interval(sounds) if sounds else None,
        "like_preset": found.preset_similarity,
        "mos": found.mos,
        "speed": found.speed,
    }


@cache
def _sounds(text: str, transcript: str, language: str) -> Edits:
    """Of a sentence no more than all: where Whisper says a word over and over, it would outweigh all others."""
    wrong = edits(text, transcript, language)
    return Edits(min(wrong.errors, wrong.total), wrong.total)


def _mean_row(name: str, rows: Sequence[Row]) -> Row:
    means = {key: _mean([row[key] for row in rows]) for key in ("wrong", "sounds", "like_preset", "mos", "speed")}
    sentences = sum(row["sentences"] for row in rows)
    return {
        "language": MEAN,
        "system": name,
        "sentences": sentences,
        "interval": None,
        "sounds_interval": None,
        **means,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one is missing: a mean of other languages would be no mean of these."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known and len(known) == len(values) else None


def _voice_rows(reports: Mapping[str, Report], presets: Mapping[str, Mapping[str, str]]) -> list[Row]:
    rows = []
    for code, report in reports.items():
        for voice in report.systems[0].voices if report.systems else ():
            for system in report.systems:
                row = _row(code, system, voice, system.voices[voice])
                speaker = presets.get(code, {}).get(voice)
                rows.append({**row, "language": f"{voice} ({speaker})" if speaker else voice})
    return rows


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row["language"],
        row["system"],
        str(row["sentences"]),
        _percent(row["wrong"]),
        _range(row["interval"]),
        _percent(row["sounds"]),
        _range(row["sounds_interval"]),
        _shown(row["like_preset"], "{:.3f}"),
        _shown(row["mos"], "{:.2f}"),
        _shown(row["speed"], "{:.1f}"),
    )


def _percent(value: float | None) -> str:
    return _shown(None if value is None else 100 * value, "{:.1f}")


def _range(limits: tuple[float, float] | None) -> str:
    return "–" if limits is None else f"{_percent(limits[0])} … {_percent(limits[1])}"


def _shown(value: float | None, style: str) -> str:
    return "–" if value is None else style.format(value)


def _markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    line = "| {} |".format
    return [line(" | ".join(cells)) for cells in (headers, ["---"] * len(headers), *rows)]


def _worst(language: str, system: SystemReport) -> list[str]:
    kind = "wer" if language == "en" else "cer"
    wrong = sorted((clip for clip in system.clips if clip[kind]), key=lambda clip: -clip[kind])[:WORST]
    if not wrong:
        return []
    lines = [f"- {clip[kind]:.0%} {clip['voice']}: {clip['text']} → {clip['transcript']}" for clip in wrong]
    return ["", f"Understood worst of {system.name}, {language}:", "", *lines]
