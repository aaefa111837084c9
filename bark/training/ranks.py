"""One process among those that train together, as torchrun starts them."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Ranks:
    """This process among the others, or alone.

    Attributes:
        rank: 0 … world − 1; rank 0 writes the files.
        world: processes in all.
        device: of this one.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def start(cls, device: str) -> Ranks:
        """Joins the process group, where torchrun's variables tell of one; each process takes a GPU of its own."""
        rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        chosen = torch.device(device)
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(chosen)
        if world > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
            atexit.register(torch.distributed.destroy_process_group)
        return cls(rank, world, chosen)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module as it is called in training: gradients are averaged over the processes."""
        if self.world == 1:
            return module
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask at the same step."""
        if self.world == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.device)
        torch.distributed.all_reduce(flags)
        return bool(flags)
