"""Files and audio as evaluation keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import AudioError, OutputError
from bark.evaluation.packages import require
from bark.files import reason, replacing

Audio = npt.NDArray[np.float32]


def make_folder(path: Path) -> Path:
    """The folder, made if need be with those above it.

    Raises:
        OutputError: it can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {path}: {reason(error)}") from error
    return path


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Any) -> None:
    """Writes values as JSON that people can read, whole or not at all.

    Raises:
        OutputError: the file can't be written.
    """
    write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")


def read_audio(path: Path) -> tuple[Audio, int]:
    """Audio float32 [T] of a mono WAV file, and its sample rate.

    Raises:
        AudioError: it can't be read.
    """
    import soundfile

    try:
        audio, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise AudioError(f"can't read {path}: {error}") from error
    return np.ascontiguousarray(audio[:, 0]), int(sample_rate)


def resample(audio: Audio, sample_rate: int, target: int) -> Audio:
    """Audio [T] at another sample rate.

    Raises:
        BarkError: soxr isn't installed.
    """
    if sample_rate == target:
        return audio
    return np.asarray(require("soxr").resample(audio, sample_rate, target), np.float32)
