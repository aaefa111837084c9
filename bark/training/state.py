"""What a run keeps between two lives: checkpoints on disk, averaged weights in memory."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bark.errors import TrainingError


def save_state(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint so that, killed at any moment, either the old or the new file is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load_state(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Reads a checkpoint; None when there is none yet.

    Raises:
        TrainingError: the file is not a checkpoint.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (EOFError, KeyError, OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{path}: not a training checkpoint; remove it to start anew ({error})") from error
    return state


class Average:
    """Exponential moving average of a module's parameters; early on it forgets faster."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self._shadow: dict[str, Tensor] = {}
        if decay:
            self._shadow = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follows the parameters by one step."""
        if not self._decay:
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        parameters = dict(self._module.named_parameters())
        torch._foreach_lerp_(
            [self._shadow[name] for name in parameters], [p.detach() for p in parameters.values()], 1 - decay
        )

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Within it the module has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state_dict(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        return self._shadow

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """The inverse of `state_dict`."""
        if set(state) != set(self._shadow):
            raise ValueError("averaged weights are of another model")
        for name, value in state.items():
            self._shadow[name].copy_(value)

    def _swap(self) -> None:
        for name, parameter in self._module.named_parameters():
            if name in self._shadow:
                parameter.data, self._shadow[name] = self._shadow[name], parameter.data
