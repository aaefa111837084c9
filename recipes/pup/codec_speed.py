"""What a codec does with its codes: how fast it decodes, whether pieces are the whole, which entries it uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bark.codec.base import Codec
from bark.evaluation.files import Audio

PIECE = 16  # frames at a time, as fine's first window writes them
REPEATS = 5


@dataclass(frozen=True)
class Use:
    """What a book's entries do.

    Attributes:
        used: share of them that occurs.
        perplexity: how many would carry as much, if all occurred equally often.
    """

    used: float
    perplexity: float


@dataclass(frozen=True)
class Timing:
    """Seconds of audio decoded in a second, the best of several times: `whole`, and `streamed` in pieces of a third."""

    threads: int
    whole: float
    streamed: float


def timings(codec: Codec, codes: Tensor, threads: Sequence[int] = (1, 2)) -> list[Timing]:
    """How fast codes [1, K, T] are decoded by so many threads."""
    seconds = codes.shape[2] / codec.frame_rate
    found = []
    for count in threads:
        with _threads(count):
            whole, streamed = (_best(lambda way=way: way(codec, codes)) for way in (decoded, joined))
        found.append(Timing(count, seconds / whole, seconds / streamed))
    return found


def stream_difference(codec: Codec, codes: Sequence[Tensor], seed: int = 0) -> float:
    """The largest difference between a sample decoded whole and the same in pieces of random length, of all codes."""
    rng = np.random.default_rng(seed)
    return max(float((decoded(codec, part) - joined(codec, part, rng)).abs().max()) for part in codes)


@torch.inference_mode()
def decoded(codec: Codec, codes: Tensor) -> Tensor:
    """Audio [1, N] of codes [1, K, T], whole."""
    return codec.decode(codes)


@torch.inference_mode()
def joined(codec: Codec, codes: Tensor, rng: np.random.Generator | None = None) -> Tensor:
    """The same in pieces: of `PIECE` frames, or of 1 to 2 × `PIECE` where there are random numbers."""
    stream, pieces, start = codec.stream(), [], 0
    while start < codes.shape[2]:
        end = start + (PIECE if rng is None else int(rng.integers(1, 2 * PIECE)))
        pieces.append(stream.push(codes[:, :, start:end]))
        start = end
    return torch.cat([*pieces, stream.flush()], 1)


def book_use(codec: Codec, codes: Sequence[Tensor]) -> list[Use]:
    """What each book's entries do in codes [1, K, T]."""
    frames = torch.cat([part[0] for part in codes], 1)
    return [_use(book, codec.codebook_size) for book in frames]


def encoded(codec: Codec, audio: Audio) -> Tensor:
    """Codes [1, K, T] of audio [N]."""
    with torch.inference_mode():
        return codec.encode(torch.from_numpy(np.array(audio, np.float32))[None])


def _use(codes: Tensor, size: int) -> Use:
    share = torch.bincount(codes, minlength=size).double() / len(codes)
    seen = share[share > 0]
    return Use(len(seen) / size, float((-(seen * seen.log()).sum()).exp()))


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS + 1):  # the first warms up
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times[1:])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
