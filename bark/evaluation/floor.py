"""How fast this machine could be: the time that reading the weights once takes, and that of the bare arithmetic.

A decoded token reads every weight of its model once and computes next to nothing with it, so memory bandwidth bounds
it from below. A window that is read at once (prefill, fine) is bounded by the rate of matrix products.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from bark.models.config import FineGPTConfig, GPTConfig, ModelConfig

BYTES: Mapping[str, float] = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1, "int4": 0.5}
COMPUTED_IN = ("float32", "bfloat16")  # precisions whose matrix products are measured
MATRIX = {"cpu": 1024, "cuda": 8192}  # rows and columns: enough for the full rate, and no more
SMALL, SLOW = 256, 0.02  # the first matrix that is tried, and seconds of a product that nobody waits for longer than
GIB = 2**30


@dataclass(frozen=True)
class Floor:
    """What a machine can do at best.

    Attributes:
        bandwidth: bytes a second that all threads together read of a buffer too large for any cache.
        bandwidth_one_thread: the same for one thread; None on a GPU.
        flops: floating-point operations a second in a large matrix product, by precision.
    """

    bandwidth: float
    bandwidth_one_thread: float | None
    flops: Mapping[str, float]

    def token_ms(self, config: GPTConfig, rows: int) -> dict[str, float]:
        """Milliseconds a token that reading the weights once takes, by precision; see `token_weights`."""
        return {name: token_weights(config, rows) * size / self.bandwidth * 1e3 for name, size in BYTES.items()}

    def stage_figures(self, config: ModelConfig) -> dict[str, dict[str, float]]:
        """Floors of the figures of `bark.evaluation.measures` that have one, by name and precision."""
        space, coarse = config.tokens, config.coarse_layout
        read = coarse.semantic_window + 1 + coarse.max_history
        fine_passes = space.n_codebooks - space.n_coarse
        return {
            "semantic_token": self.token_ms(config.semantic, space.semantic_vocab + 1),
            "coarse_token": self.token_ms(config.coarse, space.codebook_size),
            "coarse_first": self._seconds(window_flops(config.coarse, read)),
            "fine_window": self._seconds(fine_passes * window_flops(config.fine, config.fine_layout.window)),
        }

    def _seconds(self, operations: float) -> dict[str, float]:
        return {name: operations / rate for name, rate in self.flops.items()}


def token_weights(config: GPTConfig, rows: int) -> int:
    """Weights that one decoded token reads: those of the layers, and `rows` rows of the head."""
    return config.n_layer * 12 * config.n_embd**2 + rows * config.n_embd


def window_flops(config: GPTConfig | FineGPTConfig, length: int) -> float:
    """Operations of the layers on a window of so many positions; of a causal model's attention, half is needed."""
    products = 2 * 12 * config.n_embd**2
    attention = 4 * length * config.n_embd * (0.5 if isinstance(config, GPTConfig) else 1.0)
    return config.n_layer * length * (products + attention)


def measure_floor(device: torch.device | str = "cpu", *, gib: float = 0.5, repeats: int = 5) -> Floor:
    """Measures it; the best of several tries, since whatever disturbs one only makes it slower.

    Args:
        device: where.
        gib: of the buffer that is read.
        repeats: tries of each.
    """
    device = torch.device(device)
    size = MATRIX.get(device.type, MATRIX["cpu"])
    buffer = torch.ones(max(1, int(gib * GIB / 4)), device=device)
    alone = None
    if device.type == "cpu":
        with _threads(1):
            alone = _read_rate(buffer, repeats)
    bandwidth = _read_rate(buffer, repeats)
    del buffer
    return Floor(bandwidth, alone, {name: _product_rate(device, name, size, repeats) for name in COMPUTED_IN})


def _read_rate(buffer: torch.Tensor, repeats: int) -> float:
    """Bytes a second; by the fastest of three ways to read, none of which is the fastest everywhere."""
    ways: list[Callable[[], object]] = [buffer.sum, buffer.amax, lambda: torch.dot(buffer, buffer)]
    return buffer.nbytes / min(_best_time(way, buffer.device, repeats) for way in ways)


def _product_rate(device: torch.device, dtype: str, size: int, repeats: int) -> float:
    """Operations a second, of the largest matrix up to that size that isn't slow; some CPUs take seconds for one."""
    side = min(size, SMALL)
    while True:
        a = torch.ones(side, side, device=device, dtype=getattr(torch, dtype))
        seconds = _best_time(partial(torch.matmul, a, a), device, repeats)
        if side == size or seconds > SLOW:
            return 2 * side**3 / seconds
        side = min(size, 4 * side)


def _best_time(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    times = []
    for _ in range(repeats + 1):  # the first warms up
        started = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])


def wait_for(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
