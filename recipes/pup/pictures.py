"""Spectrograms of many clips on one small sheet: a row a clip, a column a system."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from bark.evaluation.judging import Clip
from bark.evaluation.packages import require
from bark.evaluation.spectrograms import FLOOR, spectrogram
from bark.files import replacing

COLOURS = 24


def sheet(systems: Mapping[str, Sequence[Clip]], path: Path) -> None:
    """Draws the same clips of all systems, beside each other, as one PNG of few colours.

    Args:
        systems: clips in the same order, by the name of what made them.
        path: of the picture.

    Raises:
        BarkError: matplotlib isn't installed.
        OutputError: the file can't be written.
    """
    rows = list(zip(*systems.values(), strict=True))
    size = (5 * len(systems), 2 * len(rows) + 0.6)
    figure = require("matplotlib.figure").Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(systems), sharey=True, squeeze=False)
    for row, clips in zip(panels, rows, strict=True):
        for panel, name, clip in zip(row, systems, clips, strict=True):
            extent = (0, clip.duration, 0, clip.sample_rate / 2000)
            panel.imshow(
                spectrogram(clip), origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=FLOOR, vmax=0
            )
            panel.set_title(f"{clip.voice}, {name}", fontsize=8)
            panel.tick_params(labelsize=7)
    figure.supylabel("kHz", fontsize=8)
    _save(figure, path)


def _save(figure: object, path: Path) -> None:
    image = require("PIL.Image")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)  # type: ignore[attr-defined]
    with replacing(path) as temporary:
        image.open(drawn).convert("RGB").quantize(COLOURS).save(temporary, format="PNG", optimize=True)
