"""What audio is here: one row of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bark.errors import AudioError

Audio = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]


def as_audio(audio: Floats) -> Audio:
    """Audio [T] as float32.

    Raises:
        AudioError: it is not one row of finite floats.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1 or not np.issubdtype(audio.dtype, np.floating):
        raise AudioError(f"audio must be one row of floats, not {audio.dtype} of shape {list(audio.shape)}")
    if not np.isfinite(audio).all():
        raise AudioError("the audio has samples that are not finite numbers")
    return audio.astype(np.float32, copy=False)


def as_int16(audio: Floats) -> npt.NDArray[np.int16]:
    """Audio [T] in [−1, 1] as 16-bit samples; what is beyond is clipped.

    Raises:
        AudioError: the audio is not one row of finite floats.
    """
    samples: npt.NDArray[np.int16] = np.rint(as_audio(audio).clip(-1, 1) * 32767).astype("<i2")
    return samples


def as_int24(audio: Floats) -> npt.NDArray[np.int32]:
    """Audio [T] in [−1, 1] as 24-bit samples in 32-bit integers; what is beyond is clipped.

    Raises:
        AudioError: the audio is not one row of finite floats.
    """
    samples: npt.NDArray[np.int32] = np.rint(as_audio(audio).astype(np.float64).clip(-1, 1) * 8388607).astype("<i4")
    return samples
