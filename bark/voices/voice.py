"""A voice: the tokens of a few seconds of speech."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import VoiceError
from bark.files import replacing
from bark.tokens import IntArray, TokenSpace

KEYS = {"semantic": "semantic_prompt", "coarse": "coarse_prompt", "fine": "fine_prompt"}  # names in an npz
DIMENSIONS = {"semantic": 1, "coarse": 2, "fine": 2}
LENGTH_TOLERANCE = 0.05  # Suno's presets are rounded to tokens, and cut by up to a few
SPARE_FRAMES = 6


@dataclass(frozen=True, eq=False)
class Voice:
    """The same speech as tokens of every stage. The arrays are read-only.

    Attributes:
        name: how errors and results call it.
        semantic: [T] semantic tokens.
        coarse: [n_coarse, T'] codes.
        fine: [n_codebooks, T'] codes.

    Raises:
        VoiceError: an array is empty, of the wrong shape, or doesn't hold whole numbers from 0 up.
    """

    name: str
    semantic: IntArray
    coarse: IntArray
    fine: IntArray

    def __post_init__(self) -> None:
        for part in KEYS:
            object.__setattr__(self, part, _tokens(getattr(self, part), part, self.name))

    def __repr__(self) -> str:
        return f"Voice({self.name!r}, {len(self.semantic)} semantic tokens, {self.fine.shape[1]} frames)"

    @classmethod
    def from_npz(cls, path: str | os.PathLike[str], name: str | None = None) -> Voice:
        """Reads a voice file; integers of any width will do.

        Args:
            path: an npz with `semantic_prompt`, `coarse_prompt` and `fine_prompt`.
            name: of the voice; else that of the file.

        Raises:
            VoiceError: the file can't be read, or is not a voice.
        """
        path = Path(path)
        return cls(name=name or path.stem, **_read(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the npz that `from_npz` reads, whole or not at all.

        Raises:
            OutputError: the file can't be written.
        """
        arrays: dict[str, Any] = {key: getattr(self, part) for part, key in KEYS.items()}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    def check(self, space: TokenSpace) -> Voice:
        """This voice, once it is known to be one of a model with this token space.

        Raises:
            VoiceError: tokens are outside the model's vocabulary, codebooks are missing, or the arrays are not
                of the same length in seconds.
        """
        self._check_rows("coarse", space.n_coarse)
        self._check_rows("fine", space.n_codebooks)
        self._check_range("semantic", space.semantic_vocab)
        self._check_range("coarse", space.codebook_size)
        self._check_range("fine", space.codebook_size)
        self._check_length("coarse", space)
        self._check_length("fine", space)
        return self

    def _check_rows(self, part: str, wanted: int) -> None:
        rows = len(getattr(self, part))
        if rows != wanted:
            raise VoiceError(f"voice {self.name}: {KEYS[part]} has {rows} rows of codes; this model has {wanted}")

    def _check_range(self, part: str, size: int) -> None:
        highest = getattr(self, part).max()
        if highest >= size:
            raise VoiceError(
                f"voice {self.name}: {KEYS[part]} holds {highest}, but this model's tokens there are 0 to {size - 1}"
            )

    def _check_length(self, part: str, space: TokenSpace) -> None:
        frames = getattr(self, part).shape[1]
        expected = len(self.semantic) * space.frame_rate / space.semantic_rate
        if abs(frames - expected) > LENGTH_TOLERANCE * expected + SPARE_FRAMES:
            raise VoiceError(
                f"voice {self.name}: {KEYS[part]} has {frames} frames, but semantic_prompt's "
                f"{len(self.semantic)} tokens last {expected:.0f} frames in this model"
            )


def _tokens(values: npt.ArrayLike, part: str, voice: str) -> IntArray:
    """One array of a voice as read-only int64, checked as far as it can be without a model."""
    where = f"voice {voice}: {KEYS[part]}"
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise VoiceError(f"{where} must hold integers, not {array.dtype}")
    if array.ndim != DIMENSIONS[part]:
        shape = "[tokens]" if DIMENSIONS[part] == 1 else "[codebooks, frames]"
        raise VoiceError(f"{where} must have the shape {shape}, not {list(array.shape)}")
    if array.size == 0:
        raise VoiceError(f"{where} is empty, shape {list(array.shape)}")
    if array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        raise VoiceError(f"{where} holds {array.min()} to {array.max()}; tokens count from 0")
    tokens = np.array(array, dtype=np.int64, order="C")
    tokens.flags.writeable = False
    return tokens


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":  # else np.load would take it for a pickle or a single array
                raise VoiceError(f"{path} is not a voice: an npz file was expected")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                missing = [key for key in KEYS.values() if key not in arrays]
                if missing:
                    raise VoiceError(f"{path} is not a voice: {', '.join(missing)} missing; it has {_listed(arrays)}")
                return {part: arrays[key] for part, key in KEYS.items()}
    except VoiceError:
        raise
    except OSError as error:
        raise VoiceError(f"can't read the voice {path}: {error.strerror or error}") from error
    except Exception as error:  # numpy and zipfile meet damaged bytes with a dozen kinds of exception
        raise VoiceError(f"{path} is not a voice, or is damaged: {error}") from error


def _listed(arrays: Any) -> str:
    return ", ".join(arrays.files) or "no arrays"
