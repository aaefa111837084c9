"""One of several processes that train together: python tests/training/ranks.py SETTINGS.json DATA OUT MODEL.

Writes the weights that this process ends with to OUT/RANK.pt.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch

from bark.training.loop import LoopConfig, Trainer
from bark.training.optimizers import OptimizerConfig
from bark.training.run import TASKS


def main(settings_file: str, data: str, out: str, what: str) -> None:
    settings = json.loads(Path(settings_file).read_text())
    table = dict(settings[what])
    loop = LoopConfig(**table.pop("loop"))
    rank = int(os.environ["RANK"])
    torch.manual_seed(rank)  # other weights in each process, until they are told rank 0's
    task = TASKS[what](table, settings, Path(data), Path(out))
    Trainer(task, loop, OptimizerConfig(), Path(out) / what).run()
    torch.save(task.module.state_dict(), Path(out) / f"{rank}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
