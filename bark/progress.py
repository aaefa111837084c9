"""A progress bar for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bark.record import Progress

STAGES = ("semantic", "coarse", "fine", "codec")


@contextmanager
def shown_progress(stages: Sequence[str] = STAGES, shown: bool = True) -> Iterator[Progress | None]:
    """A callback for `Record` that draws bars on standard error; None where that is no terminal.

    Args:
        stages: that have a bar.
        shown: False for none.
    """
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>8}"), BarColumn(), TextColumn("{task.completed:.1f} s"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {stage: bars.add_task(stage, total=None) for stage in stages}

        def advance(stage: str, seconds: float, ended: bool) -> None:
            bars.update(tasks[stage], completed=seconds)
            if ended and stage == "semantic":  # now it is known how long the utterance will be
                for task in tasks.values():
                    bars.update(task, total=seconds)

        yield advance
