"""A task that takes no time: a matrix learns to multiply. As a script it is a run to be killed.

python tests/training/toy.py FOLDER STEPS SECONDS_A_STEP SAVE_MINUTES
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bark.checkpoints.tensors import save_tensors
from bark.training.loop import Batch, LoopConfig, Trainer
from bark.training.optimizers import OptimizerConfig

CONFIG = LoopConfig(steps=40, log_every=1, precision="fp32", threads=1)
OPTIMIZER = OptimizerConfig(lr=0.05, matrix_lr=0.05, warmup=5)


class Toy(nn.Module):
    """y = 2 x, with noise from torch's own generator, which a resumed run must find again.

    Args:
        spoil: from the step of this number on, the loss is not a number.
        pause: seconds that a batch takes.
    """

    step: Tensor

    def __init__(self, width: int = 4, spoil: int | None = None, pause: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.ones(width))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))
        self._spoil, self._pause = spoil, pause
        self.drawn = 0

    @property
    def module(self) -> nn.Module:
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        time.sleep(self._pause)
        self.drawn += 1
        x = rng.standard_normal((8, self.linear.in_features), np.float32)
        return {"x": torch.from_numpy(x), "y": torch.from_numpy(2 * x)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        self.step += 1
        y = self.scale * self.linear(batch["x"] + 0.01 * torch.randn_like(batch["x"]))
        loss = (y - batch["y"]).square().mean()
        if self._spoil is not None and int(self.step) > self._spoil:
            loss = loss * float("nan")
        return {"loss": loss, "largest": y.detach().abs().max()}

    def validate(self) -> dict[str, float]:
        return {"scale": float(self.scale.mean())}

    def export(self, path: Path) -> None:
        save_tensors(self.state_dict(), path / "toy.safetensors", None)


def run(folder: Path, task: Toy | None = None, config: LoopConfig = CONFIG) -> Toy:
    """Trains a toy, whose first weights are always the same."""
    task = task or Toy()
    Trainer(task, config, OPTIMIZER, folder).run()
    return task


def slow(make: Callable[..., Toy], arguments: list[str]) -> None:
    """What the script does."""
    folder, steps, pause, save = Path(arguments[0]), *map(float, arguments[1:])
    run(folder, make(pause=pause), replace(CONFIG, steps=int(steps), save_minutes=save))


if __name__ == "__main__":
    slow(Toy, sys.argv[1:])
