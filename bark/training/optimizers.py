"""Muon for the matrices, AdamW for everything else, one schedule for both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bark.errors import TrainingError
from bark.training.checks import at_least
from bark.training.muon import Muon


@dataclass(frozen=True)
class OptimizerConfig:
    """How fast to learn.

    Attributes:
        lr: peak learning rate of AdamW's parameters (embeddings, heads, norms, convolutions).
        matrix_lr: peak learning rate of Muon's parameters (weights of linear layers), scaled to match AdamW's
            update size (`bark.training.muon`); 0 leaves them to AdamW too.
        warmup: steps of linear rise.
        final: fraction of the peak that the cosine ends at.
        clip: largest gradient norm.
    """

    lr: float = 1e-3
    matrix_lr: float = 3e-3
    warmup: int = 100
    final: float = 0.02
    weight_decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        names = ("lr", "matrix_lr", "warmup", "weight_decay")
        at_least("[optimizer]", **{name: (getattr(self, name), 0) for name in names})
        if not self.clip > 0:
            raise TrainingError(f"[optimizer]: clip must be above 0, not {self.clip}")


class Optimizers:
    """Both optimizers of a module as one."""

    def __init__(self, module: nn.Module, config: OptimizerConfig, steps: int) -> None:
        self._config, self._steps = config, steps
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        matrices = _matrices(module) if config.matrix_lr else []
        chosen = {id(p) for p in matrices}
        others = [p for p in self._parameters if id(p) not in chosen]
        self._parts: list[tuple[torch.optim.Optimizer, float]] = []
        if others:
            fused = others[0].is_cuda
            adam = torch.optim.AdamW(others, config.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=fused)
            self._parts.append((adam, config.lr))
        if matrices:
            muon = Muon(matrices, config.matrix_lr, weight_decay=config.weight_decay)
            self._parts.append((muon, config.matrix_lr))

    def step(self, step: int) -> Tensor:
        """Applies the gradients with the rate of this step, clears them, returns their norm."""
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.clip)
        scale = self.schedule(step)
        for optimizer, lr in self._parts:
            for group in optimizer.param_groups:
                group["lr"] = lr * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return norm

    def schedule(self, step: int) -> float:
        """Fraction of the peak rate: linear warm-up, then half a cosine."""
        config = self._config
        if step < config.warmup:
            return (step + 1) / config.warmup
        progress = (step - config.warmup) / max(1, self._steps - config.warmup)
        return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    def state_dict(self) -> list[dict[str, Any]]:
        """For a checkpoint."""
        return [optimizer.state_dict() for optimizer, _ in self._parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """The inverse of `state_dict`."""
        for (optimizer, _), state in zip(self._parts, states, strict=True):
            decays = [group["weight_decay"] for group in optimizer.param_groups]
            optimizer.load_state_dict(state)
            for group, decay in zip(optimizer.param_groups, decays, strict=True):
                group["weight_decay"] = decay  # as the config has it now


def _matrices(module: nn.Module) -> list[nn.Parameter]:
    """Weights of linear layers, but not of heads: those share the nature (or the weight) of embeddings."""
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    found: dict[int, nn.Parameter] = {}
    for name, part in module.named_modules():
        if not isinstance(part, nn.Linear) or "head" in name or id(part.weight) in embeddings:
            continue
        if isinstance(part.weight, nn.Parameter) and part.weight.requires_grad:
            found[id(part.weight)] = part.weight
    return list(found.values())
