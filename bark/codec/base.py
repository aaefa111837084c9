"""What every codec can do, whatever it is made of."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class CodecStream(Protocol):
    """Decodes frames as they come; the pieces, joined, are what `decode` gives for all frames at once."""

    def push(self, codes: Tensor) -> Tensor:
        """Takes frames [B, K, T], gives the audio [B, N] that they settle (N may be 0)."""

    def flush(self) -> Tensor:
        """Gives the rest of the audio, [B, N]; the stream ends."""


class Codec(Protocol):
    """Audio to codes and back.

    Shapes: audio [B, N] float in [−1, 1]; codes [B, K, T] integers in 0 … codebook_size − 1, with T frames and
    K codebooks, 1 ≤ K ≤ n_codebooks (fewer codebooks, coarser sound).
    """

    sample_rate: int
    frame_rate: float
    n_codebooks: int
    codebook_size: int

    def encode(self, audio: Tensor, n_codebooks: int | None = None) -> Tensor:
        """Audio [B, N] to codes [B, K, ceil(N / hop)]."""

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] to audio [B, T * hop]."""

    def stream(self) -> CodecStream:
        """A decoder for one run of frames."""
