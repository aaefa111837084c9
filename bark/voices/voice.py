"""A voice: the tokens of a few seconds of speech."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.audio.equalizer import FREQUENCIES, Gains
from bark.errors import VoiceError
from bark.files import replacing
from bark.tokens import IntArray, TokenSpace
from bark.voices import arrays

KEYS = dict(zip(("semantic", "coarse", "fine"), arrays.KEYS, strict=True))  # names in an npz
NAMES = {**KEYS, "manner": arrays.MANNER}
DIMENSIONS = {"semantic": 1, "coarse": 2, "fine": 2, "manner": 1}
LENGTH_TOLERANCE = 0.05  # Suno's presets are rounded to tokens, and cut by up to a few
SPARE_FRAMES = 6
LOUDEST = 40  # dB


@dataclass(frozen=True, eq=False)
class Voice:
    """The same speech as tokens of every stage. The arrays are read-only.

    Attributes:
        name: how errors and results call it.
        semantic: [T] semantic tokens.
        coarse: [n_coarse, T'] codes.
        fine: [n_codebooks, T'] codes.
        manner: [T"] semantic tokens of somebody else, in whose manner the voice reads; None for its own.
        about: what is known of it: the consent of whoever it is, what it was made from.
        equalizer: dB at `bark.audio.equalizer.FREQUENCIES`, float32, by which its audio is filtered; None for none.

    Raises:
        VoiceError: an array is empty, of the wrong shape, or doesn't hold whole numbers from 0 up.
    """

    name: str
    semantic: IntArray
    coarse: IntArray
    fine: IntArray
    manner: IntArray | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    equalizer: Gains | None = None

    def __post_init__(self) -> None:
        for part in KEYS if self.manner is None else (*KEYS, "manner"):
            object.__setattr__(self, part, _tokens(getattr(self, part), part, self.name))
        if self.equalizer is not None:
            object.__setattr__(self, "equalizer", _gains(self.equalizer, self.name))
        object.__setattr__(self, "about", dict(self.about))

    @property
    def reading(self) -> IntArray:
        """[T] semantic tokens that the semantic stage goes on from."""
        return self.semantic if self.manner is None else self.manner

    def __repr__(self) -> str:
        return f"Voice({self.name!r}, {len(self.semantic)} semantic tokens, {self.fine.shape[1]} frames)"

    @classmethod
    def from_npz(cls, path: str | os.PathLike[str], name: str | None = None) -> Voice:
        """Reads a voice file; integers of any width will do.

        Args:
            path: an npz with `semantic_prompt`, `coarse_prompt` and `fine_prompt`; and, where there is one, with
                `manner_prompt`, `equalizer` and `about`, as `save` writes them.
            name: of the voice; else that of the file.

        Raises:
            VoiceError: the file can't be read, or is not a voice.
        """
        path = Path(path)
        return cls.from_arrays(arrays.read_npz(path), name or path.stem)

    @classmethod
    def from_npy(cls, paths: Mapping[str, str | os.PathLike[str]], name: str | None = None) -> Voice:
        """Reads the three files that 🤗 keeps a voice in.

        Args:
            paths: of npy files, by `semantic_prompt`, `coarse_prompt` and `fine_prompt`.
            name: of the voice; else what the files' names begin with.

        Raises:
            VoiceError: a file can't be read, or they are not a voice.
        """
        files = {key: Path(path) for key, path in _three(paths, "the voice").items()}
        first = files[KEYS["semantic"]]
        stem = first.stem.removesuffix(KEYS["semantic"]).removesuffix("_")
        return cls.from_arrays(arrays.read_npy(files), name or stem or first.parent.name)

    @classmethod
    def from_arrays(cls, values: Mapping[str, Any], name: str = "of arrays") -> Voice:
        """A voice from a dict, as Suno's `output_full=True` and NumPy's `np.load` give it.

        Args:
            values: `semantic_prompt` [T], `coarse_prompt` [n_coarse, T'] and `fine_prompt` [n_codebooks, T'], of
                integers; `manner_prompt` [T"], `equalizer` and `about` too, where it has them. What else it has is left
                alone.
            name: how errors and results call it.

        Raises:
            VoiceError: an array is missing or isn't one of tokens.
        """
        three = _three(values, f"voice {name}")
        own = {part: three[key] for part, key in KEYS.items()}
        try:
            about = arrays.table_of(values.get(arrays.ABOUT))
        except ValueError:  # NumPy doesn't read what is pickled
            about = {}
        manner, equalizer = values.get(arrays.MANNER), values.get(arrays.EQUALIZER)
        return cls(name, **own, manner=manner, equalizer=equalizer, about=about)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the npz that `from_npz` reads, whole or not at all.

        `manner_prompt`, `equalizer` and `about`, a string of JSON, are beside the three arrays that every Bark reads.

        Raises:
            OutputError: the file can't be written.
        """
        values: dict[str, Any] = {key: getattr(self, part) for part, key in KEYS.items()}
        if self.manner is not None:
            values[arrays.MANNER] = self.manner
        if self.equalizer is not None:
            values[arrays.EQUALIZER] = self.equalizer
        if self.about:
            values[arrays.ABOUT] = np.array(json.dumps(self.about, ensure_ascii=False))
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **values)

    def check(self, space: TokenSpace) -> Voice:
        """This voice, once it is known to be one of a model with this token space.

        Raises:
            VoiceError: tokens are outside the model's vocabulary, codebooks are missing, or the arrays are not
                of the same length in seconds.
        """
        self._check_rows("coarse", space.n_coarse)
        self._check_rows("fine", space.n_codebooks)
        self._check_range("semantic", space.semantic_vocab)
        if self.manner is not None:
            self._check_range("manner", space.semantic_vocab)
        self._check_range("coarse", space.codebook_size)
        self._check_range("fine", space.codebook_size)
        self._check_length("coarse", space)
        self._check_length("fine", space)
        return self

    def _check_rows(self, part: str, wanted: int) -> None:
        rows, columns = getattr(self, part).shape
        if rows != wanted:
            turned = "; it seems to be turned: [codebooks, frames] is right" if columns == wanted else ""
            raise VoiceError(
                f"voice {self.name}: {KEYS[part]} has {rows} rows of codes; this model has {wanted}{turned}"
            )

    def _check_range(self, part: str, size: int) -> None:
        highest = getattr(self, part).max()
        if highest >= size:
            raise VoiceError(
                f"voice {self.name}: {NAMES[part]} holds {highest}, but this model's tokens there are 0 to {size - 1}"
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
    where = f"voice {voice}: {NAMES[part]}"
    try:
        array = np.asarray(values)
    except Exception as error:  # rows of different lengths, a tensor on a GPU
        raise VoiceError(f"{where} is not an array: {error}") from error
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


def _gains(values: npt.ArrayLike, voice: str) -> Gains:
    """An equalizer's gains as read-only float32."""
    where = f"voice {voice}: {arrays.EQUALIZER}"
    try:
        array = np.asarray(values)
    except Exception as error:
        raise VoiceError(f"{where} is not an array: {error}") from error
    if array.shape != FREQUENCIES.shape or not np.issubdtype(array.dtype, np.floating):
        raise VoiceError(f"{where} must be {len(FREQUENCIES)} floats, not {array.dtype} of shape {list(array.shape)}")
    if not (np.abs(array) <= LOUDEST).all():  # nor is a NaN
        raise VoiceError(f"{where} must hold gains of −{LOUDEST} to {LOUDEST} dB")
    gains = np.array(array, dtype=np.float32)
    gains.flags.writeable = False
    return gains


def _three(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """What a mapping has by the three names."""
    missing = [key for key in arrays.KEYS if key not in values]
    if missing:
        there = ", ".join(str(key) for key in list(values)[:8]) or "nothing"
        raise VoiceError(f"{what}: {', '.join(missing)} missing; it has {there}")
    try:
        return {key: values[key] for key in arrays.KEYS}
    except Exception as error:  # an npz that is still open reads an array when it is asked for it
        raise VoiceError(f"{what} can't be read: {error}") from error
