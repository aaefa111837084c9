"""The training loop: one for every model, resumable after a kill at any moment.

What step n does depends on the seed, n and the state saved after step n − 1 alone, so a run that was killed and
resumed walks the same path as one that wasn't.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from bark.codec.layers import ConvNeXtBlock
from bark.errors import TrainingError
from bark.models.cpu import product_dtype
from bark.models.layers import Block
from bark.training.checks import at_least
from bark.training.logger import Logger
from bark.training.memory import give_back
from bark.training.optimizers import OptimizerConfig, Optimizers
from bark.training.prefetch import prefetch
from bark.training.ranks import Ranks
from bark.training.state import Average, load_state, save_state
from bark.training.stopping import Every, Stop

Batch: TypeAlias = dict[str, Tensor]
STATE = "last.pt"


class Task(Protocol):
    """What is trained: a module that holds the model(s) and turns a batch into losses."""

    def draw(self, rng: np.random.Generator) -> Batch:
        """A random batch, on the CPU."""

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Losses; the one called "loss" is minimised, the others are logged."""

    def validate(self) -> dict[str, float]:
        """Figures on data kept back, none where there is no such data; called without gradients."""

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
        seed: of weights and batches.
        minutes: after which the run saves and ends, wherever it is; 0 for no limit.
        ema: decay of the averaged weights, which are what is exported; 0 is off.
        precision: "bf16" (autocast), "fp32", or "auto": bf16 on GPUs and where the CPU has instructions for it.
        save_minutes, valid_minutes: between checkpoints and between validations.
        log_every: steps between rows of the log.
        threads: CPU threads, 0 leaves torch's choice.
        compile: whether the models' blocks go through torch.compile.
    """

    steps: int
    seed: int = 0
    minutes: float = 0.0
    ema: float = 0.998
    precision: str = "auto"
    save_minutes: float = 3.0
    valid_minutes: float = 5.0
    log_every: int = 10
    threads: int = 0
    compile: bool = False

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "bf16", "fp32"):
            raise TrainingError(f"precision must be auto, bf16 or fp32, not {self.precision!r}")
        at_least("[loop]", steps=(self.steps, 1), log_every=(self.log_every, 1), threads=(self.threads, 0))
        if not 0 <= self.ema < 1:
            raise TrainingError(f"ema must be at least 0 and below 1, not {self.ema}")


class Trainer:
    """Runs a task for the steps of its config, from where the folder's last checkpoint ended.

    Args:
        task: what to train.
        config: how long.
        optimizer: how fast.
        folder: for `last.pt`, `log.csv`, TensorBoard's events and the exported weights.
        device: of the model; under torchrun each process takes the GPU of its local rank.

    Raises:
        TrainingError: the folder's checkpoint is broken, or of a model of another shape.
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
        if config.compile:
            _compile_blocks(task.module)
        self._wrapped = self._ranks.wrap(task.module)
        self._saves, self._validations = Every(config.save_minutes), Every(config.valid_minutes)
        self._tidyings = Every(1.0)

    def run(self) -> None:
        """Trains until the last step, or until it is told to stop, and saves before it returns.

        Raises:
            TrainingError: the loss is no longer a number; what was saved before is kept.
            KeyboardInterrupt, SystemExit: SIGINT or SIGTERM came; see `Stop.obey`.
        """
        steps = self._config.steps
        logger = Logger(self._folder, self._step, steps, quiet=self._ranks.rank > 0)
        with Stop(self._config.minutes) as stop, logger:
            for batch in prefetch(self._batches(self._step)):
                losses = self._advance(batch)
                self._step += 1
                last = self._ranks.any(stop.asked) or self._step == steps
                self._report(losses, logger, last)
                if last:
                    break
        stop.obey()

    def _batches(self, start: int) -> Iterator[Batch]:
        for step in range(start, self._config.steps):
            yield self._task.draw(np.random.default_rng([self._config.seed, step, self._ranks.rank]))

    def _advance(self, batch: Batch) -> Mapping[str, Tensor]:
        device = self._ranks.device
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        with self._autocast():
            losses: dict[str, Tensor] = self._wrapped(batch)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        norm = self._optimizers.step(self._step)
        self._average.update(self._step)
        return {**{name: value.detach() for name, value in losses.items()}, "grad_norm": norm}

    def _report(self, losses: Mapping[str, Tensor], logger: Logger, last: bool) -> None:
        """Logs, validates and saves, each where its time has come; always at the last step."""
        log = self._step % self._config.log_every == 0 or last
        save = self._saves.due() or last
        if log or save:  # before saving too: a checkpoint of infinities could never be mended
            figures = {name: float(value) for name, value in losses.items()}
            _check_finite(figures, self._step)
        if log:
            logger.log(self._step, figures)
        if self._validations.due() or last:
            logger.log_validation(self._step, self._validate())
        if save:
            self._save()
        if self._tidyings.due():
            give_back()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        module = self._task.module
        module.eval()
        with self._average.swapped_in(), self._autocast(), _uncompiled(self._config.compile):
            figures = self._task.validate()
        module.train()
        return figures

    def _save(self) -> None:
        """The exported weights first: killed in between, a run that was done would never write them again."""
        if self._ranks.rank:
            return
        with self._average.swapped_in():
            self._task.export(self._folder)
        state = {
            "step": self._step,
            "module": self._task.module.state_dict(),
            "average": self._average.state_dict(),
            "optimizers": self._optimizers.state_dict(),
            "random": torch.get_rng_state(),
            "device_random": torch.cuda.get_rng_state() if self._ranks.device.type == "cuda" else None,
        }
        save_state(state, self._folder / STATE)

    def _resume(self) -> None:
        path = self._folder / STATE
        state = load_state(path, self._ranks.device)
        if state is None:
            return
        try:
            self._task.module.load_state_dict(state["module"])
            self._average.load_state_dict(state["average"])
            if state["optimizers"] is not None:  # left out of a checkpoint that had to be small
                self._optimizers.load_state_dict(state["optimizers"])
            torch.set_rng_state(state["random"].cpu())
            if state.get("device_random") is not None and self._ranks.device.type == "cuda":
                torch.cuda.set_rng_state(state["device_random"].cpu())
            self._step = int(state["step"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{path} is of a run with another shape; choose another folder or remove it ({error})"
            ) from error

    def _autocast(self) -> torch.autocast:
        kind, precision = self._ranks.device.type, self._config.precision
        quick = kind != "cpu" or product_dtype() is torch.bfloat16
        return torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16" or (precision == "auto" and quick))


def _compile_blocks(module: nn.Module) -> None:
    """Compiles the blocks, not the whole: all of a kind share one compilation, which takes seconds, not minutes."""
    for part in module.modules():
        if isinstance(part, (Block, ConvNeXtBlock)):
            part.compile()


def _uncompiled(compiled: bool) -> AbstractContextManager[object]:
    """What is compiled is left alone here: without gradients it would be compiled once more."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def _check_finite(figures: Mapping[str, float], step: int) -> None:
    for name in ("loss", "grad_norm"):
        if not math.isfinite(figures[name]):
            raise TrainingError(f"the {name} is {figures[name]} at step {step}; lower the learning rate")
