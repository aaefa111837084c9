"""What a measurement ran on: without it, a number of milliseconds means nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """A machine, and how it is used.

    Attributes:
        processor: model of the CPU.
        cores: that this process may use.
        threads: that torch uses.
        memory: bytes; 0 where the system doesn't tell.
        vectors: the widest instructions that torch uses, for example "AVX512".
        device: where is computed; a GPU by its name.
    """

    processor: str
    cores: int
    threads: int
    memory: int
    vectors: str
    device: str
    system: str
    python: str
    torch: str


def this_machine(device: torch.device | str = "cpu") -> Machine:
    """The machine that this process runs on."""
    device = torch.device(device)
    return Machine(
        processor=_processor(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        memory=_memory(),
        vectors=torch.backends.cpu.get_cpu_capability(),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        system=platform.platform(),
        python=platform.python_version(),
        torch=torch.__version__,
    )


def load_average() -> list[float]:
    """Processes that wanted to run, over the last 1, 5 and 15 minutes; empty where the system doesn't tell."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (AttributeError, OSError):
        return []


def usable_cores() -> int:
    """Cores that this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
