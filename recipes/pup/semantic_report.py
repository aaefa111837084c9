"""The figures of the comparison of semantic tokens, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recipes.pup.codec_report import asked, table


@dataclass(frozen=True)
class Row:
    """What was found of one candidate.

    Attributes:
        rate: tokens a second.
        bits: a second, if all tokens were as likely, and by how often they occur.
        used: share of the tokens that occur.
        phonemes: share of held-out moments whose phoneme the token alone tells.
        wer: of its resynthesis; `input_wer` of the same clips as they were. None, with all below but `speaker`, where
            nothing was trained.
        pitch: correlation of the resynthesis' log F0 with the input's, mean over the clips.
        speaker: share of clips whose speaker the probe tells.
        text_bits: what the text model doesn't know of a second of held-out speech.
        text_wer: of the text model's speech, through the resynthesis.
    """

    name: str
    rate: int
    bits: float
    entropy: float
    used: float
    phonemes: float
    speaker: float
    input_wer: float | None = None
    wer: float | None = None
    wer_interval: tuple[float, float] | None = None
    pitch: float | None = None
    text_bits: float | None = None
    text_wer: float | None = None
    text_interval: tuple[float, float] | None = None


def markdown(rows: Sequence[Row], about: dict[str, Any]) -> str:
    """The page."""
    hours = " and ".join(f"{value:.1f} h of {name}" for name, value in about["hours"].items())
    headers = (
        "tokens", "Hz", "bits/s", "entropy, bits/s", "used, %", "phoneme told, %", "speaker told, %",
        "resynthesis: words wrong, %", "its pitch, r", "text model: bits/s unknown", "its words wrong, %",
    )  # fmt: skip
    parts = [
        "# Semantic tokens compared",
        "",
        f"Made by `python -m recipes.pup.compare_semantic`, on {hours}. The phoneme is told",
        "by the token alone, as the one that sounded most often with it in other clips. The probe tells one of",
        f"{about['speakers']} speakers, in clips that it hasn't learned from; of the codec's first book it tells",
        f"{100 * about['codec_speaker']:.0f} %.",
    ]
    if rows[0].input_wer is not None:
        parts += [
            f"Every resynthesis was trained for {about['steps']} steps, every text model for {about['text_steps']}.",
            f"Judged are {about['clips']} clips;",
            f"as they are, {100 * rows[0].input_wer:.1f} % of their words are misheard.",
            "In brackets are 95 % intervals by drawing the clips anew.",
        ]
    return "\n".join([*parts, "", *table(*asked(headers, [_cells(row) for row in rows])), ""])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        str(row.rate),
        f"{row.bits:.0f}",
        f"{row.entropy:.0f}",
        f"{100 * row.used:.0f}",
        f"{100 * row.phonemes:.0f}",
        f"{100 * row.speaker:.0f}",
        _with_interval(row.wer, row.wer_interval),
        _shown(row.pitch, "{:.2f}"),
        _shown(row.text_bits, "{:.0f}"),
        _with_interval(row.text_wer, row.text_interval),
    )


def _with_interval(value: float | None, between: tuple[float, float] | None) -> str:
    if value is None or between is None:
        return "–"
    return f"{100 * value:.1f} ({100 * between[0]:.1f} … {100 * between[1]:.1f})"


def _shown(value: float | None, style: str) -> str:
    return "–" if value is None else style.format(value)
