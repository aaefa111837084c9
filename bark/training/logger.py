"""What a run tells while it goes on."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMNS = ["step", "split", "figure", "value"]
PRINT_SECONDS = 10


class Logger:
    """A row of figures every few steps, to `log.csv`, TensorBoard (when installed) and the terminal.

    Rows of steps that a killed run had logged but not saved are dropped.

    Args:
        folder: of the run.
        start: the step that the run goes on from.
        steps: in all.
        quiet: True for the processes of a distributed run that must not write.
    """

    def __init__(self, folder: Path, start: int, steps: int, quiet: bool = False) -> None:
        self._quiet, self._steps, self._start = quiet, steps, start
        self._began = self._printed = time.monotonic()
        self._path = folder / "log.csv"
        self._events: Any = None
        if quiet:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_until(start)
        self._events = _summary_writer(folder)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Training figures; the terminal sees them every ten seconds, with an estimate of the time left."""
        self._write(step, "train", figures)
        now = time.monotonic()
        if now - self._printed < PRINT_SECONDS and step < self._steps:
            return
        self._printed = now
        left = (now - self._began) / (step - self._start) * (self._steps - step)
        self._print(f"step {step}/{self._steps}  {_joined(figures)}  {_clock(left)} left")

    def log_validation(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures on data kept back."""
        self._write(step, "valid", figures)
        if figures:
            self._print(f"step {step}/{self._steps}  validation: {_joined(figures)}")

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()

    def _print(self, line: str) -> None:
        if not self._quiet:
            print(line, file=sys.stderr, flush=True)

    def _write(self, step: int, split: str, figures: Mapping[str, float]) -> None:
        if self._quiet:
            return
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows([step, split, name, f"{value:.6g}"] for name, value in figures.items())
        if self._events is not None:
            for name, value in figures.items():
                self._events.add_scalar(f"{split}/{name}", value, step)

    def _keep_until(self, step: int) -> None:
        rows = [COLUMNS]
        if self._path.exists():
            with self._path.open(newline="", encoding="utf-8") as file:
                rows += [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) <= step]
        temporary = self._path.with_suffix(".part")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        os.replace(temporary, self._path)


def _joined(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _summary_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))


def _clock(seconds: float) -> str:
    minutes = int(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{minutes}:{int(seconds % 60):02d} min"
