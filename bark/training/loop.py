"""The training loop: one for every model, resumable after a kill at any moment.

What step n does depends on the seed, n and the state saved after step n − 1 alone, so a run that was killed and
resumed walks the same path as one that wasn't.
"""

from __future__ import annotations

import csv
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from bark.errors import TrainingError
from bark.training.optimizers import Optimizers, OptimizerConfig
from bark.training.state import Average, load_state, save_state

Batch = dict[str, Tensor]


class Task(Protocol):
    """What is trained: a module that holds the model(s) and turns a batch into losses."""

    def draw(self, rng: np.random.Generator) -> Batch:
        """A random batch, on the CPU."""

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Losses; the one called "loss" is minimised, the others are logged."""

    def validate(self) -> dict[str, float]:
        """Figures on data kept back; called without gradients."""

    def export(self, path: Path) -> None:
        """Writes the weights in the form that a checkpoint folder has them."""

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how carefully to train.

    Attributes:
        steps: in all; the learning rate falls to its end by then.
        seed: of batches and of dropout.
        ema: decay of the averaged weights, which are what is exported; 0 is off.
        precision: "bf16" (autocast) or "fp32".
        save_minutes, valid_minutes: between checkpoints and between validations.
        threads: CPU threads, 0 leaves torch's choice.
        compile: whether the task goes through torch.compile.
    """

    steps: int
    seed: int = 0
    ema: float = 0.998
    precision: str = "bf16"
    save_minutes: float = 3.0
    valid_minutes: float = 5.0
    log_every: int = 10
    threads: int = 0
    compile: bool = False

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp32"):
            raise TrainingError(f"precision must be bf16 or fp32, not {self.precision!r}")
        if self.steps < 1:
            raise TrainingError(f"steps must be at least 1, not {self.steps}")


class Trainer:
    """Runs a task for the steps of its config, from where the folder's last checkpoint ended.

    Args:
        task: what to train.
        config: how long.
        optimizer: how fast.
        folder: for `last.pt`, `log.csv`, TensorBoard's events and the exported weights.
        device: of the model; under torchrun each process takes the GPU of its local rank.
    """

    def __init__(
        self, task: Task, config: LoopConfig, optimizer: OptimizerConfig, folder: Path, device: str = "cpu"
    ) -> None:
        self._ranks = Ranks.start(device)
        self._task, self._config, self._folder = task, config, folder
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        task.module.to(self._ranks.device)
        self._optimizers = Optimizers(task.module, optimizer, config.steps)
        self._average = Average(task.module, config.ema)
        self._step = 0
        self._resume()
        self._forward = self._ranks.wrap(task.module, config.compile)
        self._stopping = False

    def run(self) -> None:
        """Trains until the last step, or until SIGTERM or SIGINT, saving before it returns."""
        config = self._config
        logger = Logger(self._folder, self._step, config.steps, quiet=self._ranks.rank > 0)
        saved = validated = time.time()
        with _signals(self._stop):
            for batch in prefetch(self._batches(self._step)):
                losses = self._advance(batch)
                self._step += 1
                last = self._step == config.steps or self._stopping
                if self._step % config.log_every == 0 or last:
                    figures = {name: float(value) for name, value in losses.items()}
                    _check_finite(figures, self._step)
                    logger.log(self._step, figures)
                if last or time.time() - validated > config.valid_minutes * 60:
                    logger.log_validation(self._step, self._validate())
                    validated = time.time()
                if last or time.time() - saved > config.save_minutes * 60:
                    self._save()
                    saved = time.time()
                if last:
                    break
        logger.close()

    def _batches(self, start: int) -> Iterator[Batch]:
        for step in range(start, self._config.steps):
            yield self._task.draw(np.random.default_rng([self._config.seed, step, self._ranks.rank]))

    def _advance(self, batch: Batch) -> Mapping[str, Tensor]:
        device = self._ranks.device
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._config.precision == "bf16"):
            losses: dict[str, Tensor] = self._forward(batch)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        norm = self._optimizers.step(self._step)
        self._average.update(self._step)
        return {**{name: value.detach() for name, value in losses.items()}, "grad_norm": norm}

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        module = self._task.module
        module.eval()
        with self._average.swapped_in(), torch.autocast(
            self._ranks.device.type, torch.bfloat16, enabled=self._config.precision == "bf16"
        ):
            figures = self._task.validate()
        module.train()
        return figures

    def _save(self) -> None:
        if self._ranks.rank:
            return
        state = {
            "step": self._step,
            "module": self._task.module.state_dict(),
            "average": self._average.state_dict(),
            "optimizers": self._optimizers.state_dict(),
            "random": torch.get_rng_state(),
        }
        save_state(state, self._folder / "last.pt")
        with self._average.swapped_in():
            self._task.export(self._folder)

    def _resume(self) -> None:
        state = load_state(self._folder / "last.pt", self._ranks.device)
        if state is None:
            return
        try:
            self._task.module.load_state_dict(state["module"])
            self._average.load_state_dict(state["average"])
            self._optimizers.load_state_dict(state["optimizers"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                f"{self._folder / 'last.pt'} is of a run with another shape; "
                f"choose another folder or remove it ({error})"
            ) from error
        torch.set_rng_state(state["random"].cpu())
        self._step = int(state["step"])

    def _stop(self) -> None:
        self._stopping = True


@dataclass(frozen=True)
class Ranks:
    """This process among those that torchrun started (or alone)."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def start(cls, device: str) -> Ranks:
        """Joins the process group when there is one."""
        rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        chosen = torch.device(device)
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(chosen)
        if world > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
        return cls(rank, world, chosen)

    def wrap(self, module: nn.Module, compiled: bool) -> Callable[[Batch], dict[str, Tensor]]:
        """The module as it is called in training."""
        if self.world > 1:
            module = nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)
        return torch.compile(module) if compiled else module  # type: ignore[return-value]


class Logger:
    """A row of figures every few steps, to `log.csv`, TensorBoard (when installed) and the terminal.

    Rows of steps that a killed run had logged but not saved are dropped.
    """

    def __init__(self, folder: Path, start: int, steps: int, quiet: bool) -> None:
        self._quiet, self._steps, self._start = quiet, steps, start
        self._began = self._printed = time.time()
        self._events: Any = None
        if quiet:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "log.csv"
        self._keep_until(start)
        self._events = _summary_writer(folder)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Training figures; the terminal sees them every ten seconds, with an estimate of the time left."""
        self._write(step, "train", figures)
        now = time.time()
        if self._quiet or (now - self._printed < 10 and step < self._steps):
            return
        self._printed = now
        left = (now - self._began) / (step - self._start) * (self._steps - step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"step {step}/{self._steps}  {shown}  {_clock(left)} left", file=sys.stderr, flush=True)

    def log_validation(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures on data kept back."""
        self._write(step, "valid", figures)
        if not self._quiet and figures:
            shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(f"step {step}/{self._steps}  validation: {shown}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Flushes what is buffered."""
        if self._events is not None:
            self._events.close()

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
        rows = [["step", "split", "figure", "value"]]
        if self._path.exists():
            with self._path.open(newline="", encoding="utf-8") as file:
                rows += [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) <= step]
        temporary = self._path.with_suffix(".part")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        os.replace(temporary, self._path)


def prefetch(batches: Iterator[Batch], depth: int = 2) -> Iterator[Batch]:
    """Makes batches in a thread, a few ahead of their use."""
    queue: Queue[Batch | BaseException | None] = Queue(depth)

    def fill() -> None:
        try:
            for batch in batches:
                queue.put(batch)
            queue.put(None)
        except BaseException as error:
            queue.put(error)

    threading.Thread(target=fill, daemon=True).start()
    while (item := queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


class _signals:
    """Within it, SIGTERM and SIGINT ask the loop to save and stop."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, lambda *_: self._stop())

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def _check_finite(figures: Mapping[str, float], step: int) -> None:
    if not math.isfinite(figures["loss"]):
        raise TrainingError(f"the loss is {figures['loss']} at step {step}; lower the learning rate")


def _summary_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))  # type: ignore[no-untyped-call]


def _clock(seconds: float) -> str:
    minutes = int(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{minutes}:{int(seconds % 60):02d} min"
