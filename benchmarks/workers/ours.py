"""This project: python benchmarks/workers/ours.py; see serving.py."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from serving import GIB, serve

from bark.evaluation.speed import StageRunner, memory_figures
from bark.parts import PARTS
from bark.pipeline import Bark
from bark.voices import Voice
from benchmarks.checks import likeliest


class Ours:
    """A `Bark` with any of its settings.

    Args:
        asked: the first line; its options are arguments of `Bark`.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        torch.set_num_threads(asked["threads"])
        self.bark = Bark(asked["folder"], asked["device"], small=asked["small"], **asked["options"])
        self.bark.parts.load()
        self.runner = StageRunner(self.bark, len(asked["text"]))
        self.runner.text = np.array(asked["text"])
        self.runner.voice = Voice.from_npz(asked["voice"])

    def __getattr__(self, task: str) -> Any:
        if task not in ("semantic", "coarse", "fine", "codec", "speech", "batch"):
            raise AttributeError(task)

        return functools.partial(self.runner.run, task)

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        return memory_figures(self.bark.device)

    def check(self, tokens: int) -> dict[str, list[int]]:
        """The likeliest tokens of each stage, without a voice."""
        return likeliest(self.bark, self.runner.text, tokens)

    def weights(self) -> dict[str, float]:
        """What the weights take as they are used, GiB; what is shared, or a view of something, counts once."""
        parts = [self.bark.parts.module(part) for part in PARTS]
        tensors = [tensor for part in parts for tensor in (*part.parameters(), *part.buffers())]
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        return {"weights": sum(storages.values()) / GIB}


if __name__ == "__main__":
    serve(Ours)
