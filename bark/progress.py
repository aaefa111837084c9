"""A progress bar for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

STAGES = ("semantic", "coarse", "fine", "codec")


class StageBars:
    """Bars of the stages; called as `Record` calls.

    Args:
        bars: that show them.
        stages: that have one.
    """

    def __init__(self, bars: Bars, stages: Sequence[str]) -> None:
        self._bars = bars
        self._tasks = {stage: bars.add_task(stage, total=None, line="") for stage in stages}

    def __call__(self, stage: str, seconds: float, ended: bool) -> None:
        """Goes on to so many seconds of speech."""
        self._bars.update(self._tasks[stage], completed=seconds)
        if ended and stage == "semantic":  # now it is known how long the utterance will be
            for task in self._tasks.values():
                self._bars.update(task, total=seconds)

    def line(self, number: int, count: int) -> None:
        """Begins a line, one of so many."""
        for stage, task in self._tasks.items():
            line = f"line {number} of {count}" if stage == next(iter(self._tasks)) else ""
            self._bars.reset(task, total=None, line=line)


@contextmanager
def shown_progress(stages: Sequence[str] = STAGES, shown: bool = True) -> Iterator[StageBars | None]:
    """A callback for `Record` that draws bars on standard error; None where that is no terminal.

    Args:
        stages: that have a bar.
        shown: False for none.
    """
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} s"),
        TextColumn("{task.fields[line]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield StageBars(bars, stages)
