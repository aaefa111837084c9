"""`bark bench`: how fast a model is on this machine, and how fast it could be."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.cli.arguments import CoarseWindows, Debug, Device, Dtype, Model, Quantize, Small
from bark.files import check_target

if TYPE_CHECKING:
    from bark.evaluation.speed import Progress, Speed

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    quantize: Quantize = None,
    small: Small = None,
    coarse_windows: CoarseWindows = "exact",
    seconds: Annotated[float, typer.Option("--seconds", min=0.2, max=10, help="Of the utterance that is made.")] = 2.0,
    tokens: Annotated[int, typer.Option("--tokens", min=2, help="Semantic tokens that decoding is timed over.")] = 64,
    batch: Annotated[
        list[int] | None, typer.Option("--batch", min=1, help="So many utterances at once, too; again for more.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each figure is taken.")] = 3,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Of the CPU; else as torch chooses.")] = None,
    buffer: Annotated[
        float, typer.Option("--buffer", min=0.001, help="GiB that the memory's speed is measured with.")
    ] = 0.5,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures here; - for standard output.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
    debug: Debug = False,
) -> None:
    """Measure how fast a model is: each stage, the whole way, its memory, and what this machine could do at best.

    It speaks numbers in a row, not a text, so that every stage has a fixed amount to do.
    """
    if json and str(json) != "-":
        check_target(json)  # before the work, not after

    import torch

    from bark.evaluation.measures import Workload
    from bark.evaluation.speed import measure_speed
    from bark.pipeline import Bark

    if threads:
        torch.set_num_threads(threads)
    bark = Bark(model, device, dtype, quantize=quantize, small=small, offload=False, coarse_windows=coarse_windows)
    workload = Workload(semantic=tokens, seconds=seconds, batches=batch or ())
    with _progress(quiet) as progress:
        speed = measure_speed(bark, workload, rounds, buffer, progress)
    text = json_module.dumps(speed.to_dict(), indent=1)
    if str(json) == "-":
        typer.echo(text)
        return
    if json:
        from bark.evaluation.files import write_text

        write_text(json, text + "\n")
    _show(speed)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A line on standard error that says what is being measured."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("loading") as status:
        yield lambda measure, done, rounds: status.update(f"{measure}: {done} of {rounds}")


def _show(speed: Speed) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("", speed.model, f"at best, {speed.precision}", box=box.SIMPLE)
    for row in rows(speed):
        table.add_row(*row)
    # A pipe has no width; there, rich would squeeze the table into 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    for line in remarks(speed):
        console.print(line, highlight=False, soft_wrap=True)


def rows(speed: Speed) -> list[tuple[str, str, str]]:
    """What is measured, how long it takes, and how long it would take at best."""
    from bark.evaluation.measures import figure

    return [
        (
            figure(name).label,
            f"{amount(value)} {figure(name).unit}",
            _at_best(value, speed.floors.get(name, {}).get(speed.precision), figure(name).unit),
        )
        for name, value in speed.figures.items()
    ]


def remarks(speed: Speed) -> list[str]:
    """What the table has no row for."""
    figures, machine = speed.figures, speed.machine
    shares = ", ".join(f"{name} {share:.0%}" for name, share in speed.stages.items())
    rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {name}" for name, rate in speed.floor.flops.items())
    load = ", ".join(map(str, speed.load)) or "unknown"
    threads = f"{machine.threads} of {machine.cores} cores"
    return [
        f"{1 / figures['speech']:.2f} × real time, with a voice {1 / figures['speech_voice']:.2f} ×: {shares}",
        f"{machine.processor}, {threads}, {machine.device}, torch {machine.torch}; load average {load}",
        f"reads {speed.floor.bandwidth / 1e9:.1f} GB/s, multiplies at {rates}",
    ]


def amount(value: float) -> str:
    """Three digits that count, but all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _at_best(value: float, floor: float | None, unit: str) -> str:
    return "" if not floor else f"{amount(floor)} {unit} ({value / floor:.1f} ×)"
