"""How much of the machine may be used, and how much of it is."""

from __future__ import annotations

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds in each period, and the period
PROC = Path("/proc")


def usable_cores(quota: Path = QUOTA) -> int:
    """Cores that this process may keep busy: of those it may run on, as many as a container's quota pays for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text(encoding="ascii").split()
        paid = math.ceil(int(allowed) / int(period))
    except (OSError, ValueError):  # no container, or "max": no quota
        return cores
    return max(1, min(cores, paid))


def resident_memory(pid: int) -> int:
    """Bytes of a process that are in memory; 0 where the system doesn't tell."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
