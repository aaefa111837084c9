"""Writes audio as WAV: 16-bit PCM, mono, which plays everywhere."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import AudioError, OutputError
from bark.files import check_target, replacing

OTHER_FORMATS = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".webm"}


def encode_wav(audio: npt.NDArray[np.floating[Any]], sample_rate: int) -> bytes:
    """A whole WAV file.

    Args:
        audio: [T] in [−1, 1]; what is beyond is clipped.
        sample_rate: Hz.

    Raises:
        AudioError: the audio is not one row of finite numbers.
    """
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(encode_pcm(audio))
    return buffer.getvalue()


def encode_pcm(audio: npt.NDArray[np.floating[Any]]) -> bytes:
    """Audio [T] in [−1, 1] as little-endian 16-bit samples.

    Raises:
        AudioError: the audio is not one row of finite numbers.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1 or not np.issubdtype(audio.dtype, np.floating):
        raise AudioError(f"audio must be one row of floats, not {audio.dtype} of shape {list(audio.shape)}")
    if not np.isfinite(audio).all():
        raise AudioError("the audio has samples that are not finite numbers")
    samples: npt.NDArray[np.int16] = np.rint(audio.clip(-1, 1) * 32767).astype("<i2")
    return samples.tobytes()


def write_wav(path: str | os.PathLike[str], audio: npt.NDArray[np.floating[Any]], sample_rate: int) -> None:
    """Writes a WAV file, whole or not at all; see `encode_wav`.

    Raises:
        AudioError: the audio is not one row of finite numbers.
        OutputError: as `check_wav_path`, or the file can't be written.
    """
    check_wav_path(path)
    data = encode_wav(audio, sample_rate)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def check_wav_path(path: str | os.PathLike[str]) -> None:
    """Finds out whether a WAV file can be there, before the work is done.

    Raises:
        OutputError: there is no such folder, it may not be written, or the name promises another format.
    """
    suffix = Path(path).suffix.lower()
    if suffix in OTHER_FORMATS:
        raise OutputError(f"can't write {path}: only WAV is written, not {suffix}; name it {Path(path).stem}.wav")
    check_target(path)
