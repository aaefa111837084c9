"""The measuring: all systems are loaded, and each measure goes round among them, so that all share the same moods."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bark.evaluation.floor import Floor, measure_floor
from bark.evaluation.machine import load_average, this_machine, usable_cores
from bark.evaluation.measures import Measure, NotMeasuredError, Workload, measures
from bark.evaluation.speed import long_voice, row
from bark.models.config import ModelConfig
from benchmarks.environments import environment
from benchmarks.process import PeerError, Process
from benchmarks.shapes import SHAPES
from benchmarks.systems import KINDS, System
from benchmarks.weights import write_weights

CHECKED = 8  # tokens of each stage that all systems must agree on in float32
WARM_UP = 8  # semantic tokens that are spoken first, so that all weights have been touched; bark.cpp dies of fewer
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how.

    Attributes:
        systems: that are compared; the others are divided by the first.
        shapes: of `benchmarks.shapes.SHAPES`.
        rounds: how often each measure goes round.
        only: names of the measures that are taken, beside those of `Workload.batches`; None for all.
        device: where all compute.
        threads: of each system; 0 for as many as there are cores.
        gib: of the buffer that the machine's bandwidth is measured with.
        original_site: a folder with the original's packages, where nothing can be installed.
    """

    systems: Sequence[System]
    shapes: Sequence[str] = ("small",)
    workload: Workload = field(default_factory=Workload)
    rounds: int = 3
    only: Sequence[str] | None = None
    device: str = "cpu"
    threads: int = 0
    gib: float = 1.0
    original_site: Path | None = None


@dataclass
class Seen:
    """What was seen of one system.

    Attributes:
        precision: of its weights.
        figures: values by name, one a round.
        missing: why a measure has none, by its name.
        check: the likeliest tokens of each stage.
    """

    precision: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    check: dict[str, list[int]] = field(default_factory=dict)

    def add(self, values: Mapping[str, float]) -> None:
        """A round's values."""
        for name, value in values.items():
            self.figures.setdefault(name, []).append(value)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, with medians."""
        figures = {name: {"median": statistics.median(v), "values": v} for name, v in self.figures.items()}
        return {"precision": self.precision, "figures": figures, "missing": self.missing, "check": self.check}


def compare(plan: Plan, tell: Tell) -> Iterator[dict[str, Any]]:
    """Measures everything.

    Args:
        plan: what to measure.
        tell: called with what is being done.

    Returns:
        After each measure all that has been seen by then, as plain values for JSON, and at last the same once more
        with "finished" true.
    """
    threads = plan.threads or usable_cores()
    torch.set_num_threads(threads)
    before = load_average()
    tell(f"load average {before}; measuring the machine")
    floor = measure_floor(plan.device, gib=plan.gib)
    shapes: dict[str, Any] = {}
    results = {**circumstances(plan, floor), "load_average": {"before": before}, "finished": False, "shapes": shapes}
    for shape in plan.shapes:
        config = SHAPES[shape]
        with TemporaryDirectory(prefix="bark-benchmarks-") as work:
            run = Shape(config, plan, threads, Path(work), lambda text, shape=shape: tell(f"{shape}: {text}"))
            for seen in run.measured():
                systems = {name: what.to_dict() for name, what in seen.items()}
                shapes[shape] = {"systems": systems, "at_best": floor.stage_figures(config)}
                results["load_average"]["after"] = load_average()
                yield results
    yield {**results, "finished": True}


def circumstances(plan: Plan, floor: Floor) -> dict[str, Any]:
    """What must be known beside the figures."""
    return {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": asdict(this_machine(plan.device)),
        "floor": asdict(floor),
        "rounds": plan.rounds,
        "workload": asdict(plan.workload),
    }


class Shape:
    """Measures all systems on one shape.

    Args:
        config: the shape.
        plan: what to do.
        threads: of each system.
        work: an empty folder, for weights and logs.
        tell: called with what is being done.
    """

    def __init__(self, config: ModelConfig, plan: Plan, threads: int, work: Path, tell: Tell) -> None:
        self.config = config
        self.plan = plan
        self.threads = threads
        self.work = work
        self.tell = tell
        self.seen = {system.name: Seen(system.precision) for system in plan.systems}
        self._running: dict[str, Process] = {}

    def measured(self) -> Iterator[dict[str, Seen]]:
        """What has been seen after each measure, by the systems' names."""
        long_voice(self.config).save(self.work / "voice.npz")
        with ExitStack() as stack:
            for system in self.plan.systems:
                self._start(system, stack)
            for measure in self._wanted():
                self._go_round(measure)
                yield self.seen
            for name, process in self._running.items():
                try:
                    self.seen[name].add(process.run("memory"))
                except PeerError as error:  # it ended in one of the measures
                    self.seen[name].missing["memory"] = str(error)
            yield self.seen

    def _wanted(self) -> list[Measure]:
        every, only = measures(self.config, self.plan.workload), self.plan.only
        return [each for each in every if only is None or each.name in only or each.name.startswith("batch_")]

    def _start(self, system: System, stack: ExitStack) -> None:
        """Loads a system, and has it speak a little."""
        kind, seen = KINDS[system.kind], self.seen[system.name]
        self.tell(f"loading {system.name}")
        try:
            place = environment(kind.environment, self.plan.original_site if kind.environment == "original" else None)
        except CalledProcessError as error:  # no network, no compiler
            seen.missing["load"] = f"its environment can't be made: {error}"
            return
        log = self.work / f"{system.name.replace(' ', '-')}.log"
        process = stack.enter_context(Process(kind.worker, place, log, self.threads))
        try:
            loaded = process.ask(self._first_line(system, kind.form))
            process.run("speech", tokens=WARM_UP, voice=False)
            with suppress(NotMeasuredError):
                seen.check = process.run("check", tokens=CHECKED)
        except PeerError as error:
            self.tell(f"{system.name} does not run: {error}")
            seen.missing["load"] = str(error)
            return
        seen.add({name: loaded[name] for name in ("import", "load")})
        self._running[system.name] = process

    def _first_line(self, system: System, form: str) -> dict[str, Any]:
        folder = self.work / form
        if not folder.exists():
            write_weights(self.config, folder, form)
        space = self.config.tokens
        return {
            "folder": str(folder),
            "voice": str(self.work / "voice.npz"),
            "text": row(self.plan.workload.text, space.text_pad - space.text_offset).tolist(),
            "small": (folder / "text.pt").exists(),
            "device": self.plan.device,
            "threads": self.threads,
            "options": dict(system.options),
        }

    def _go_round(self, measure: Measure) -> None:
        """Takes a measure of each system in turn, and begins each round with another."""
        names = list(self._running)
        for done in range(self.plan.rounds):
            first = done % len(names) if names else 0
            for name in names[first:] + names[:first]:
                if measure.name not in self.seen[name].missing:
                    self._take(measure, name)
            self.tell(f"{measure.name}, round {done + 1} of {self.plan.rounds}")

    def _take(self, measure: Measure, name: str) -> None:
        try:
            self.seen[name].add(measure.take(self._running[name]))
        except (NotMeasuredError, PeerError) as error:
            self.seen[name].missing[measure.name] = str(error)
