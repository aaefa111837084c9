"""A flame graph: where the time of a program went, as a picture, from stacks that py-spy has counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

LINE_NUMBER = re.compile(r":\d+\)$")
NARROW = 0.004  # of the whole: narrower frames aren't drawn
LETTER = 0.0055  # width of one, of the picture's


@dataclass
class Frame:
    """A function, as it was called from the frame below it.

    Attributes:
        samples: in which it was running, or something that it called.
        above: what it called, by name.
    """

    samples: int = 0
    above: dict[str, Frame] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Frames on the highest stack that can be seen."""
        return 1 + max((frame.depth for frame in self.above.values()), default=0)


def read_stacks(lines: Iterable[str], root: str = "") -> Frame:
    """The stacks of a file that `py-spy record -f raw` writes: frames from the bottom up, a space, a count.

    Args:
        lines: of it.
        root: a text in the name of the frame that is the bottom; what doesn't have it isn't counted.
    """
    bottom = Frame()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        names = [LINE_NUMBER.sub(")", name) for name in stack.split(";")]
        start = next((i for i, name in enumerate(names) if root in name), None)
        if start is None:
            continue
        frame = bottom
        frame.samples += int(count)
        for name in names[start:]:
            frame = frame.above.setdefault(name, Frame())
            frame.samples += int(count)
    return bottom


def draw_flames(bottom: Frame, path: Path) -> None:
    """Draws stacks, each frame as wide as its share of the time.

    Args:
        bottom: of them.
        path: of the picture; its ending says of what kind.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    shown = _cut(bottom, bottom.samples * NARROW)
    drawing, panel = pyplot.subplots(figsize=(16, 0.22 * shown.depth + 0.4), layout="constrained")
    _draw(panel, shown, 0.0, 0, bottom.samples)
    panel.set(xlim=(0, 1), ylim=(0, shown.depth))
    panel.axis("off")
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)


def _cut(frame: Frame, least: float) -> Frame:
    """The same without frames of fewer samples."""
    above = {name: _cut(each, least) for name, each in frame.above.items() if each.samples >= least}
    return Frame(frame.samples, above)


def _draw(panel: object, frame: Frame, left: float, level: int, total: int) -> None:
    for name, each in sorted(frame.above.items()):
        width = each.samples / total
        text = f"{name.split(' (')[0]} {width:.0%}"
        colour = (0.95, 0.45 + 0.4 * (sum(map(ord, name)) % 97 / 97), 0.25)
        panel.barh(level, width, 1, left, align="edge", color=colour, edgecolor="white", linewidth=0.4)  # type: ignore[attr-defined]
        if width > 3 * LETTER:
            panel.text(left + 0.001, level + 0.5, text[: int(width / LETTER)], fontsize=6, va="center")  # type: ignore[attr-defined]
        _draw(panel, each, left, level + 1, total)
        left += width
