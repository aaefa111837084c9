"""Coarse codes to audio, as they come."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bark.parts import Parts
from bark.record import Record
from bark.request import FloatArray, Request
from bark.tokens import IntArray


class Sound:
    """What the fine stage and the codec make of one utterance.

    Args:
        parts: of the model; both must stay on the device.
        request: of the utterance.
        record: takes the fine codes, and the time of both.
    """

    def __init__(self, parts: Parts, request: Request, record: Record) -> None:
        with parts.fine() as stage, parts.codec() as codec:
            self._fine = stage.stream(
                request.voice.fine if request.voice else None,
                options=request.options.fine,
                generator=request.generator("fine", stage.model.device),
            )
            self._codec = codec.stream()
        self._device = parts.codec_device
        self._record = record
        self._codes: list[IntArray] = record.pieces.setdefault("fine", [])

    def push(self, coarse: IntArray) -> Iterator[FloatArray]:
        """Takes codes [n_coarse, t]; gives the audio [T] that they settle."""
        with self._record.running("fine"):
            settled = list(self._fine.push(coarse))
        yield from self._heard(settled)

    def finish(self) -> Iterator[FloatArray]:
        """The rest of the audio."""
        with self._record.running("fine"):
            settled = list(self._fine.finish())
        yield from self._heard(settled)
        if self._codes:
            with self._record.running("codec"):
                audio = samples(self._codec.flush())
            yield audio

    def _heard(self, settled: list[IntArray]) -> Iterator[FloatArray]:
        for codes in settled:
            self._codes.append(codes)
            with self._record.running("codec"):
                audio = samples(self._codec.push(torch.tensor(codes, device=self._device)[None]))
            yield audio


def samples(audio: Tensor) -> FloatArray:
    """Audio [1, N] of a codec as [N], within [−1, 1], which a codec may exceed a little."""
    clamped: FloatArray = audio[0].float().clamp(-1, 1).cpu().numpy()
    return clamped
