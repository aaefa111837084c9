"""The whole way: text to speech."""

from __future__ import annotations

import logging
import os
import secrets
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from bark.checkpoints.opening import open_model
from bark.engine import CoarseHistory, stage_generator
from bark.engine.device import choose_device, choose_dtype
from bark.engine.quantize import choose_quantize
from bark.errors import BarkWarning
from bark.models.config import ModelConfig
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.record import Progress, Record
from bark.result import Generation, Tokens
from bark.settings import Settings
from bark.text.normalize import normalize
from bark.tokens import SUNO, IntArray
from bark.voices import Voice, VoiceLike

FloatArray = npt.NDArray[np.float32]
T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What one utterance is made from."""

    text: str
    ids: list[int]
    voice: Voice | None
    options: GenerateOptions
    seed: int


class Bark:
    """A model that speaks. Its parts are loaded when they are first needed.

    Args:
        model: name or folder of a checkpoint; None for `BARK_MODEL`, else `pup`, which is in the package.
        device: for example `cpu` or `cuda:1`; None for `BARK_DEVICE`, else a GPU where there is one.
        dtype: of the three models' weights, for example `float32` or `bfloat16`; None for `BARK_DTYPE`, else bfloat16
            on a GPU that computes in it and, on a CPU, what `quantize` says. The codec always computes in float32.
        quantize: on a CPU, `int8` to keep the weights as whole numbers of 8 bits, several times as fast as float32
            and a little less exact, or `none`; None for `BARK_QUANTIZE`, else int8 unless a dtype is given.
        small: of Suno's models, which come in two sizes, the small one; None for `SUNO_USE_SMALL_MODELS`.
        offload: True to have each model on the GPU only while it works. It takes less of the GPU's memory, and one
            stage is done before the next begins. None for `SUNO_OFFLOAD_CPU`.
        settings: what holds where the others are None; None reads the environment.

    Raises:
        WeightsNotFoundError: there is no such checkpoint.
        CheckpointError: the checkpoint's config is broken.
        OptionError: there is no such device, dtype or way to quantise.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        *,
        quantize: str | None = None,
        small: bool | None = None,
        offload: bool | None = None,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings.from_env()
        settings = replace(settings, small=settings.small if small is None else small)
        self.device = choose_device(device or settings.device, settings.mps)
        checkpoint = open_model(model or settings.model, settings)
        if dtype is None and quantize is None:
            dtype, quantize = settings.dtype, settings.quantize
            if settings.exact and checkpoint.config.tokens == SUNO:
                quantize = quantize or "none"
        self.quantize = choose_quantize(quantize, dtype, self.device)
        self.dtype = choose_dtype(dtype, self.device)
        self.parts = Parts(
            checkpoint,
            self.device,
            self.dtype,
            quantize=self.quantize,
            offload=settings.offload if offload is None else offload,
        )
        self.voices = self.parts.voices
        logger.info("%s", self)

    def __repr__(self) -> str:
        precision = self.quantize or str(self.dtype).removeprefix("torch.")
        return f"{self.config.name} on {self.device} in {precision}{', offloaded' if self.parts.offload else ''}"

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        *,
        quantize: str | None = None,
        small: bool | None = None,
        offload: bool | None = None,
    ) -> Bark:
        """The same as `Bark(…)`, by the name that it has elsewhere."""
        return cls(model, device, dtype, quantize=quantize, small=small, offload=offload)

    @property
    def config(self) -> ModelConfig:
        """Shapes and layouts of the model."""
        return self.parts.config

    @property
    def sample_rate(self) -> int:
        """Of the audio, Hz."""
        return self.config.tokens.sample_rate

    def generate(
        self,
        text: str,
        voice: VoiceLike | None = None,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        min_eos_p: float | None = None,
        max_duration: float | None = None,
        options: GenerateOptions | None = None,
        progress: Progress | None = None,
    ) -> Generation:
        """Speaks a text. A text longer than the model reads at a time is cut, with a `BarkWarning`.

        Args:
            text: what to say.
            voice: who says it: a name (`v2/en_speaker_0`), the path of an npz file, a dict of the arrays in one, or
                a voice; None for any. See `bark.voices.VoiceLibrary.load`.
            seed: the same seed gives the same utterance; None draws one, and the result has it.
            temperature: of the semantic and coarse stages; lower is calmer. Without it the model's own
                (`config.generation`; Suno's is 0.7).
            min_eos_p: probability of the end at which the utterance ends; without it the model's own (Suno's is 0.2).
            max_duration: seconds at most.
            options: all that can be chosen, instead of the model's own; what is given beside it comes first.
            progress: called with stage, seconds of speech so far, and whether the stage has ended.

        Raises:
            TextError: there is no text, or it is not text.
            VoiceError: there is no such voice, or it is not of this model.
            OptionError: an option makes no sense.
            CheckpointError: a part of the checkpoint is missing or broken.
        """
        options = (options or self.config.generation).with_changes(
            seed=seed, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration
        )
        request = self._request(text, voice, options)
        record = Record(progress)
        pieces = list(self._speak(request, record))
        if not pieces:
            warnings.warn("the model ended the utterance at once: the audio is empty", BarkWarning, stacklevel=2)
        return Generation(
            text=request.text,
            audio=np.concatenate(pieces) if pieces else np.empty(0, dtype=np.float32),
            sample_rate=self.sample_rate,
            tokens=self._tokens(record),
            timings=record.timings,
            seed=request.seed,
        )

    def _request(self, text: str, voice: VoiceLike | None, options: GenerateOptions) -> Request:
        text = normalize(text)
        return Request(
            text=text,
            ids=self.encode(text, stacklevel=4),
            voice=None if voice is None else self.voices.load(voice),
            options=options,
            seed=secrets.randbelow(2**32) if options.seed is None else options.seed,
        )

    def encode(self, text: str, stacklevel: int = 2) -> list[int]:
        """Ids of a normalised text, as many as the model reads; a longer text is cut, with a `BarkWarning`.

        Args:
            text: as `bark.text.normalize` gives it.
            stacklevel: of the warning; 2 is the caller.
        """
        tokenizer, length = self.parts.tokenizer, self.config.semantic_layout.text_length
        ids = tokenizer.encode(text)
        if len(ids) > length:
            start = tokenizer.spans(text)[length][0]
            warnings.warn(
                f"the text is {len(ids)} tokens long and the model reads {length}: the last {len(text) - start} of "
                f"{len(text)} characters were cut, from {text[start : start + 40]!r} on",
                BarkWarning,
                stacklevel=stacklevel,
            )
        return ids[:length]

    def _speak(self, request: Request, record: Record) -> Iterator[FloatArray]:
        """The audio in pieces, each as soon as it is settled; every stage draws on the one before."""
        space = self.config.tokens
        semantic = self._semantic_tokens(request, record)
        semantic = self._passed(record.watch("semantic", semantic, lambda token: 1 / space.semantic_rate))
        coarse = self._coarse_codes(semantic, request, record)
        coarse = self._passed(record.watch("coarse", coarse, lambda codes: codes.shape[1] / space.frame_rate))
        fine = self._fine_codes(coarse, request, record)
        fine = self._passed(record.watch("fine", fine, lambda codes: codes.shape[1] / space.frame_rate))
        audio = self._waveform(fine, record)
        return record.watch("codec", audio, lambda piece: len(piece) / space.sample_rate)

    def _passed(self, pieces: Iterator[T]) -> Iterator[T]:
        """A stage's pieces, for the next: all at once where two models may not be on the device together."""
        return iter(list(pieces)) if self.parts.offload else pieces

    def _semantic_tokens(self, request: Request, record: Record) -> Iterator[int]:
        options = request.options
        with _loading(self.parts.semantic(), record) as stage:
            yield from stage.generate(
                np.array(request.ids),
                request.voice.semantic if request.voice else None,
                options=options.semantic,
                min_eos_p=options.min_eos_p,
                max_duration=options.max_duration,
                generator=stage_generator(request.seed, "semantic", self.device),
            )

    def _coarse_codes(self, semantic: Iterator[int], request: Request, record: Record) -> Iterator[IntArray]:
        voice = request.voice
        with _loading(self.parts.coarse(), record) as stage:
            yield from stage.generate(
                semantic,
                CoarseHistory(voice.semantic, voice.coarse) if voice else None,
                options=request.options.coarse,
                generator=stage_generator(request.seed, "coarse", self.device),
            )

    def _fine_codes(self, coarse: Iterator[IntArray], request: Request, record: Record) -> Iterator[IntArray]:
        with _loading(self.parts.fine(), record) as stage:
            yield from stage.generate(
                coarse,
                request.voice.fine if request.voice else None,
                options=request.options.fine,
                generator=stage_generator(request.seed, "fine", self.device),
            )

    def _waveform(self, fine: Iterator[IntArray], record: Record) -> Iterator[FloatArray]:
        with _loading(self.parts.codec(), record) as codec:
            stream, heard = codec.stream(), False
            for codes in fine:
                heard = True
                yield samples(stream.push(torch.tensor(codes, device=self.parts.codec_device)[None]))
            if heard:
                yield samples(stream.flush())

    def _tokens(self, record: Record) -> Tokens:
        space, pieces = self.config.tokens, record.pieces
        return Tokens(
            semantic=np.array(pieces["semantic"], dtype=np.int64),
            coarse=_joined(pieces["coarse"], space.n_coarse),
            fine=_joined(pieces["fine"], space.n_codebooks),
        )


def _joined(pieces: list[Any], rows: int) -> IntArray:
    return np.concatenate([np.empty((rows, 0), dtype=np.int64), *pieces], axis=1)


@contextmanager
def _loading(part: AbstractContextManager[T], record: Record) -> Iterator[T]:
    """Borrows a part; the time that it takes to get it counts as loading."""
    with ExitStack() as stack:
        with record.running("load"):
            borrowed = stack.enter_context(part)
        yield borrowed


def samples(audio: torch.Tensor) -> FloatArray:
    """Audio [1, N] of a codec as [N], within [−1, 1], which a codec may exceed a little."""
    clamped: FloatArray = audio[0].float().clamp(-1, 1).cpu().numpy()
    return clamped
