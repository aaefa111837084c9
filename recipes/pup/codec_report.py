"""The figures of the codec's table, and the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bark.evaluation.metrics import Edits, interval, total

DRAWS = 1000
HEADERS = (
    "system", "kbit/s", "PESQ", "STOI", "mel, dB", "DistillMOS", "less than the input", "DNSMOS", "likeness",
    "words wrong, %", "heard otherwise, %",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What was said of one clip after one system.

    Attributes:
        kbps: kbit/s of the system's codes; None for the input.
        words: edits to the text, where it is known.
        changed: edits to what was heard of the input.
        mos: DistillMOS.
        likeness: Resemblyzer's cosine to the input.
        mel: dB.
    """

    group: str
    system: str
    kbps: float | None
    voice: str
    transcript: str | None
    words: Edits | None
    changed: Edits | None
    mos: float
    dnsmos: float | None
    likeness: float
    pesq: float | None = None
    stoi: float | None = None
    mel: float | None = None


def row_figures(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row of figures for each group and system, in the order they came."""
    rows = []
    for group, system in dict.fromkeys((outcome.group, outcome.system) for outcome in outcomes):
        members = [o for o in outcomes if (o.group, o.system) == (group, system)]
        first = next(o.system for o in outcomes if o.group == group)
        inputs = [o for o in outcomes if (o.group, o.system) == (group, first)]
        rows.append({"group": group, "system": system, "clips": len(members), **_figures(members, inputs)})
    return rows


def _figures(members: Sequence[Outcome], inputs: Sequence[Outcome]) -> dict[str, Any]:
    means = {name: _mean(members, name) for name in ("pesq", "stoi", "mel", "mos", "dnsmos", "likeness")}
    loss = np.array([before.mos - after.mos for before, after in zip(inputs, members, strict=True)])
    return {
        "kbps": members[0].kbps,
        **means,
        "mos_loss": float(loss.mean()),
        "mos_loss_interval": mean_interval(loss),
        **_errors("wer", [o.words for o in members if o.words is not None]),
        **_errors("changed", [o.changed for o in members if o.changed is not None]),
    }


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean, by drawing the values anew (bootstrap), always the same draws."""
    picks = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values[picks].mean(1), (0.025, 0.975))
    return float(low), float(high)


def _errors(name: str, edits: list[Edits]) -> dict[str, Any]:
    known = total(edits).total > 0
    return {name: total(edits).rate if known else None, f"{name}_interval": interval(edits) if known else None}


def _mean(members: Sequence[Outcome], name: str) -> float | None:
    values = [value for value in (getattr(member, name) for member in members) if value is not None]
    return float(np.mean(values)) if values else None


def markdown(outcomes: Sequence[Outcome], about: Mapping[str, Any]) -> str:
    """The whole page."""
    rows = row_figures(outcomes)
    parts = [f"# The codec of {about['model']}, measured", "", *_introduction(about)]
    for group in dict.fromkeys(row["group"] for row in rows):
        members = [row for row in rows if row["group"] == group]
        parts += ["", f"## {group[0].upper()}{group[1:]}, {members[0]['clips']} clips", ""]
        parts += table(*asked(HEADERS, [_cells(row) for row in members]))
    return "\n".join([*parts, "", *_use(about), "", *_speed(about)]) + "\n"


def asked(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The columns in which something is said."""
    kept = [i for i in range(len(headers)) if any(row[i] != "–" for row in rows)]
    return [headers[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _introduction(about: Mapping[str, Any]) -> list[str]:
    return [
        "Made by `python -m recipes.pup.codec_table`. PESQ is the wideband one; mel is the mean difference of 80",
        "bands; DistillMOS and DNSMOS (overall) estimate what people would say from 1 to 5; likeness is Resemblyzer's",
        "cosine to the input. Words are those that Whisper base hears in windows of 12 s: wrong against the text,",
        "where it is known, and otherwise than in the input. In brackets are 95 % intervals by drawing the clips anew.",
    ]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["system"],
        _shown(row["kbps"], "{:.2g}" if (row["kbps"] or 1) < 1 else "{:.0f}"),
        _shown(row["pesq"], "{:.2f}"),
        _shown(row["stoi"], "{:.3f}"),
        _shown(row["mel"], "{:.2f}"),
        _shown(row["mos"], "{:.2f}"),
        _with_interval(row["mos_loss"], row["mos_loss_interval"], "{:.2f}") if row["kbps"] else "–",
        _shown(row["dnsmos"], "{:.2f}"),
        _shown(row["likeness"], "{:.3f}"),
        _with_interval(row["wer"], row["wer_interval"], "{:.1f}", 100),
        _with_interval(row["changed"], row["changed_interval"], "{:.1f}", 100),
    )


def _use(about: Mapping[str, Any]) -> list[str]:
    names = {"books": "frames", "corpus_books": "corpus_frames"}
    parts = ["## Codebooks"]
    for books, frames in names.items():
        if books not in about:
            continue
        where = "the clips above" if books == "books" else "the corpus"
        parts += ["", f"In {about[frames]} frames of {where}:", ""]
        numbers = [str(i) for i in range(1, 1 + len(about[books]))]
        cells = [("entries used, %", *(f"{100 * use['used']:.1f}" for use in about[books]))]
        cells += [("perplexity", *(f"{use['perplexity']:.0f}" for use in about[books]))]
        parts += table(("book", *numbers), cells)
    return parts


def _speed(about: Mapping[str, Any]) -> list[str]:
    machine, load = about["machine"], about["load"]
    rows = [(str(s["threads"]), f"{s['whole']:.0f}", f"{s['streamed']:.0f}") for s in about["speed"]]
    return [
        "## Decoding",
        "",
        f"Seconds of audio in a second, the best of five; {machine['processor']}, load average {load}:",
        "",
        *table(("threads", "whole", "in pieces of 0.32 s"), rows),
        "",
        f"Between pieces of random length and the whole, samples differ by {about['stream_difference']:.1e} at most.",
    ]


def _with_interval(value: float | None, between: tuple[float, float] | None, style: str, scale: float = 1.0) -> str:
    if value is None or between is None:
        return "–"
    low, high = (style.format(scale * edge) for edge in between)
    return f"{style.format(scale * value)} ({low} … {high})"


def _shown(value: float | None, style: str) -> str:
    return "–" if value is None else style.format(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    line: Callable[[str], str] = "| {} |".format
    return [line(" | ".join(cells)) for cells in (headers, ["---"] * len(headers), *rows)]
