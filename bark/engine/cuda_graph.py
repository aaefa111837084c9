"""Work on a GPU that is recorded once and then replayed, with one call for all of its kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

import torch

logger = logging.getLogger(__name__)


class Graphs:
    """Does work that is the same every time, with what stands in the same tensors, and waits for nothing.

    The first time it is done as it is, which also sets up what may not be set up in a recording; the second time it is
    recorded; from then on it is replayed. Where recording fails, all is done as it is.

    Args:
        device: of the work.
        wanted: False to do all as it is, as on any device but a CUDA GPU.
    """

    def __init__(self, device: torch.device, wanted: bool = True) -> None:
        self.wanted = wanted and device.type == "cuda"
        self._device = device
        self._done: set[Hashable] = set()
        self._graphs: dict[Hashable, Any] = {}
        self._pool: Any = None

    def __len__(self) -> int:
        """Recordings."""
        return len(self._graphs)

    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Does the work; what has the same key must be the same work."""
        if self.wanted and key in self._done and key not in self._graphs:
            self._record(key, work)
        if key in self._graphs:
            self._graphs[key].replay()
        elif self.wanted:
            self._warm_up(work)
            self._done.add(key)
        else:
            work()

    def _warm_up(self, work: Callable[[], None]) -> None:
        """Beside the current stream, as torch's notes on CUDA graphs ask for."""
        current = torch.cuda.current_stream(self._device)
        beside: Any = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        beside.wait_stream(current)
        with torch.cuda.stream(beside):
            work()
        current.wait_stream(beside)

    def _record(self, key: Hashable, work: Callable[[], None]) -> None:
        graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        # other threads may go on using the GPU; and what fails doesn't come back to the current stream by itself
        recording = torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local")
        try:
            with torch.cuda.stream(current), recording:
                work()
        except RuntimeError as error:
            self.wanted = False
            self._graphs.clear()
            _warn(str(error).partition("\n")[0])
            return
        self._pool = graph.pool()
        self._graphs[key] = graph


@cache
def _warn(reason: str) -> None:
    """Once for each reason."""
    logger.warning("CUDA graphs can't be recorded, so that decoding is slower: %s", reason)
