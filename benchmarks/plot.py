"""The picture: for each shape a row of panels, in each a bar for every system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bark.evaluation.measures import figure
from benchmarks.report import amount

SHOWN = ("semantic_token", "coarse_window", "fine_window", "codec", "speech_voice", "memory")
COLOURS = {"original": "#8a8a8a", "transformers": "#d9a441"}
OURS = "#2f7d6b"


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Draws a comparison.

    Args:
        results: of `benchmarks.compare.compare`.
        path: of the picture; its ending says of what kind.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    shapes = results["shapes"]
    n_systems = max(len(found["systems"]) for found in shapes.values())
    size = (2.6 * len(SHOWN) + 2, len(shapes) * (0.28 * n_systems + 1.1))
    drawing, panels = pyplot.subplots(len(shapes), len(SHOWN), figsize=size, squeeze=False, layout="constrained")
    for row, (shape, found) in zip(panels, shapes.items(), strict=True):
        for column, (panel, name) in enumerate(zip(row, SHOWN, strict=True)):
            _panel(panel, name, found, shape, named=column == 0)
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)


def _panel(panel: Any, name: str, found: Mapping[str, Any], shape: str, named: bool) -> None:
    shown, systems = figure(name), found["systems"]
    values = [system["figures"].get(name, {}).get("median", 0.0) for system in systems.values()]
    bars = panel.barh(list(systems), values, color=[COLOURS.get(system.split()[0], OURS) for system in systems])
    panel.bar_label(bars, [amount(value) if value else "–" for value in values], padding=2, fontsize=7)
    panel.invert_yaxis()
    panel.margins(x=0.25)
    panel.set_title(f"{shape}: {shown.label}, {shown.unit}" if named else f"{shown.label}, {shown.unit}", fontsize=7)
    panel.tick_params(labelsize=7, labelleft=named)
    panel.spines[["top", "right"]].set_visible(False)
    for precision, seconds in found["at_best"].get(name, {}).items():
        if any(system["precision"] == precision for system in systems.values()):
            panel.axvline(seconds, color="black", linewidth=0.6, linestyle=":")
