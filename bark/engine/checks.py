"""Tokens against the ids that a model knows: arrays as callers hand them over, and whole vocabularies."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from bark.errors import BarkError, CheckpointError
from bark.models.config import GPTConfig
from bark.tokens import IntArray

Tokens: TypeAlias = npt.ArrayLike | Tensor


def token_row(values: Tokens, vocab: int, what: str, error: type[BarkError]) -> IntArray:
    """Tokens [T], each in 0 … vocab − 1.

    Raises:
        BarkError: of the kind `error`; its sentence begins with `what`.
    """
    row = _integers(values, what, error)
    if row.ndim != 1:
        raise error(f"{what}: expected one row of tokens, got an array of shape {row.shape}")
    return _in_range(row, vocab, what, error)


def code_rows(values: Tokens, n_codebooks: int, codebook_size: int, what: str, error: type[BarkError]) -> IntArray:
    """Codes [n_codebooks, T], each in 0 … codebook_size − 1.

    Raises:
        BarkError: of the kind `error`; its sentence begins with `what`.
    """
    codes = _integers(values, what, error)
    if codes.ndim != 2 or codes.shape[0] != n_codebooks:
        raise error(f"{what}: expected codes of shape ({n_codebooks}, frames), got {codes.shape}")
    return _in_range(codes, codebook_size, what, error)


def check_vocabularies(shape: GPTConfig, inputs: int, outputs: int, stage: str) -> None:
    """Whether a model has an embedding for every input token and a row of its head for every output token.

    Raises:
        CheckpointError: it has fewer than `inputs` or `outputs`.
    """
    if inputs > shape.input_vocab or outputs > shape.output_vocab:
        raise CheckpointError(
            f"config.json: {stage}: the tokens need vocabularies of {inputs} in and {outputs} out, "
            f"but the model has {shape.input_vocab} and {shape.output_vocab}"
        )


def _integers(values: Tokens, what: str, error: type[BarkError]) -> IntArray:
    array: npt.NDArray[Any] = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise error(f"{what}: expected whole numbers, got {array.dtype}")
    return array.astype(np.int64)


def _in_range(array: IntArray, bound: int, what: str, error: type[BarkError]) -> IntArray:
    if array.size and (array.min() < 0 or array.max() >= bound):
        raise error(f"{what}: expected 0 … {bound - 1}, got {array.min()} … {array.max()}")
    return array
