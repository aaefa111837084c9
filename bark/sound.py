"""Coarse codes to audio, as they come."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bark.audio.equalizer import Equalizer
from bark.codec.base import Codec
from bark.parts import Parts
from bark.record import Record
from bark.request import FloatArray, Request
from bark.tokens import IntArray
from bark.voices import Voice


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
            self._waveform = Waveform(parts, codec, request.voice)
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
                audio = self._waveform.flush()
            yield audio

    def _heard(self, settled: list[IntArray]) -> Iterator[FloatArray]:
        for codes in settled:
            self._codes.append(codes)
            with self._record.running("codec"):
                audio = self._waveform.push(codes)
            yield audio


class Waveform:
    """What the codec makes of the fine codes of one utterance, as they come, in a voice's own tone.

    Args:
        parts: of the model.
        codec: of these, which must stay on its device.
        voice: that speaks.
    """

    def __init__(self, parts: Parts, codec: Codec, voice: Voice | None) -> None:
        self._stream = codec.stream()
        self._device = parts.codec_device
        self._equalizer = equalizer_of(voice, codec.sample_rate)

    def push(self, codes: IntArray) -> FloatArray:
        """Takes codes [n_codebooks, t]; gives the audio [T] that they settle."""
        return toned(self._stream.push(torch.tensor(codes, device=self._device)[None]), self._equalizer)

    def flush(self) -> FloatArray:
        """The rest of the audio."""
        return toned(self._stream.flush(), self._equalizer)


def equalizer_of(voice: Voice | None, sample_rate: int) -> Equalizer | None:
    """A voice's, for one stream; None where it has none."""
    return None if voice is None or voice.equalizer is None else Equalizer(voice.equalizer, sample_rate)


def toned(audio: Tensor, equalizer: Equalizer | None) -> FloatArray:
    """Audio [1, N] of a codec as [N], equalized and within [−1, 1], which it may exceed a little."""
    samples: FloatArray = audio[0].float().cpu().numpy()
    return (samples if equalizer is None else equalizer.push(samples)).clip(-1, 1)
