"""The token space of a model: rates, offsets, and codes as one row of tokens.

Every id that the three stages share is named here, so that no stage spells out a number of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenSpace:
    """Rates and ids of one model.

    Attributes:
        sample_rate: of the audio, Hz.
        semantic_rate: semantic tokens a second.
        semantic_vocab: semantic tokens are 0 … semantic_vocab − 1.
        frame_rate: codec frames a second.
        codebook_size: entries of each codebook.
        n_coarse: codebooks that the coarse stage writes.
        n_codebooks: codebooks of a frame.
        text_offset: added to a text token in the semantic model's input.
        text_pad: stands for no text.
        semantic_pad: stands for no semantic history; as an output of the semantic model it ends the utterance.
        semantic_infer: says "speak now" after the prompt.
        coarse_semantic_pad: stands for no semantic token in the coarse model's input.
        coarse_infer: says "write codes now".
    """

    sample_rate: int
    semantic_rate: float
    semantic_vocab: int
    frame_rate: float
    codebook_size: int
    n_coarse: int
    n_codebooks: int
    text_offset: int
    text_pad: int
    semantic_pad: int
    semantic_infer: int
    coarse_semantic_pad: int
    coarse_infer: int

    @property
    def semantic_eos(self) -> int:
        """Row of the semantic model's output that ends the utterance."""
        return self.semantic_pad

    @property
    def fine_pad(self) -> int:
        """Value of a fine code that isn't known yet."""
        return self.codebook_size

    @property
    def hop(self) -> int:
        """Samples of a codec frame."""
        return round(self.sample_rate / self.frame_rate)

    @property
    def coarse_per_semantic(self) -> float:
        """Coarse tokens (all codebooks together) to one semantic token."""
        return self.frame_rate / self.semantic_rate * self.n_coarse

    def coarse_rows(self, codebook: int) -> slice:
        """Rows of the coarse model's output that are codes of this codebook."""
        start = self.semantic_vocab + codebook * self.codebook_size
        return slice(start, start + self.codebook_size)

    def flatten_coarse(self, codes: npt.NDArray[np.integer]) -> IntArray:
        """Codes [n_coarse, T] as one row of coarse tokens [T * n_coarse], interleaved in time."""
        offsets = self.semantic_vocab + np.arange(self.n_coarse) * self.codebook_size
        return (codes.astype(np.int64).T + offsets).reshape(-1)

    def unflatten_coarse(self, tokens: npt.NDArray[np.integer]) -> IntArray:
        """Coarse tokens [T * n_coarse] as codes [n_coarse, T]."""
        offsets = self.semantic_vocab + np.arange(self.n_coarse) * self.codebook_size
        return (tokens.astype(np.int64).reshape(-1, self.n_coarse) - offsets).T


SUNO = TokenSpace(
    sample_rate=24_000,
    semantic_rate=49.9,
    semantic_vocab=10_000,
    frame_rate=75.0,
    codebook_size=1024,
    n_coarse=2,
    n_codebooks=8,
    text_offset=10_048,
    text_pad=129_595,
    semantic_pad=10_000,
    semantic_infer=129_599,
    coarse_semantic_pad=12_048,
    coarse_infer=12_050,
)
