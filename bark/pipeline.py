"""The whole way: text to speech."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from bark.checkpoints.opening import open_checkpoint
from bark.checkpoints.registry import find_checkpoint
from bark.codec.base import Codec
from bark.engine import CoarseHistory, CoarseStage, FineStage, SemanticStage, stage_generator
from bark.engine.device import choose_device, choose_dtype
from bark.errors import BarkWarning
from bark.models.config import ModelConfig
from bark.options import GenerateOptions
from bark.record import Progress, Record
from bark.result import Generation, Tokens
from bark.settings import Settings
from bark.text.normalize import normalize
from bark.text.tokenizer import TextTokenizer
from bark.tokens import IntArray
from bark.voices import Voice, VoiceLibrary

FloatArray = npt.NDArray[np.float32]


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
        dtype: of the three models' weights, for example `float32` or `bfloat16`; None for float32 on a CPU,
            bfloat16 on a GPU. The codec always computes in float32.

    Raises:
        WeightsNotFoundError: there is no such checkpoint.
        CheckpointError: the checkpoint's config is broken.
        OptionError: there is no such device or dtype.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> None:
        settings = Settings.from_env()
        self._checkpoint = open_checkpoint(find_checkpoint(model or settings.model, settings))
        self.device = choose_device(device or settings.device)
        self.dtype = choose_dtype(dtype, self.device)
        self.voices = VoiceLibrary(self._checkpoint.voices, self.config.tokens)

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> Bark:
        """The same as `Bark(…)`, by the name that it has elsewhere."""
        return cls(model, device, dtype)

    @property
    def config(self) -> ModelConfig:
        """Shapes and layouts of the model."""
        return self._checkpoint.config

    @property
    def sample_rate(self) -> int:
        """Of the audio, Hz."""
        return self.config.tokens.sample_rate

    def generate(
        self,
        text: str,
        voice: str | os.PathLike[str] | Voice | None = None,
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
            voice: who says it: a name (`v2/en_speaker_0`), the path of an npz file, or a voice; None for any.
            seed: the same seed gives the same utterance; None draws one, and the result has it.
            temperature: of the semantic and coarse stages, 0.7 by default; lower is calmer.
            min_eos_p: probability of the end at which the utterance ends, 0.2 by default.
            max_duration: seconds at most.
            options: all that can be chosen; what is given beside it comes first.
            progress: called with stage, seconds of speech so far, and whether the stage has ended.

        Raises:
            TextError: there is no text, or it is not text.
            VoiceError: there is no such voice, or it is not of this model.
            OptionError: an option makes no sense.
            CheckpointError: a part of the checkpoint is missing or broken.
        """
        options = (options or GenerateOptions()).with_changes(
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

    def _request(self, text: str, voice: str | os.PathLike[str] | Voice | None, options: GenerateOptions) -> Request:
        text = normalize(text)
        return Request(
            text=text,
            ids=self._encode(text),
            voice=None if voice is None else self.voices.load(voice),
            options=options,
            seed=secrets.randbelow(2**32) if options.seed is None else options.seed,
        )

    def _encode(self, text: str) -> list[int]:
        """Ids of a text, as many as the model reads."""
        ids = self._tokenizer.encode(text)
        length = self.config.semantic_layout.text_length
        if len(ids) > length:
            start = self._tokenizer.spans(text)[length][0]
            warnings.warn(
                f"the text is {len(ids)} tokens long and the model reads {length}: the last {len(text) - start} of "
                f"{len(text)} characters were cut, from {text[start : start + 40]!r} on",
                BarkWarning,
                stacklevel=4,
            )
        return ids[:length]

    def _speak(self, request: Request, record: Record) -> Iterator[FloatArray]:
        """The audio in pieces, each as soon as it is settled; every stage draws on the one before."""
        space = self.config.tokens
        semantic = self._semantic_tokens(request, record)
        semantic = record.watch("semantic", semantic, lambda token: 1 / space.semantic_rate)
        coarse = self._coarse_codes(semantic, request, record)
        coarse = record.watch("coarse", coarse, lambda codes: codes.shape[1] / space.frame_rate)
        fine = self._fine_codes(coarse, request, record)
        fine = record.watch("fine", fine, lambda codes: codes.shape[1] / space.frame_rate)
        audio = self._waveform(fine, record)
        return record.watch("codec", audio, lambda piece: len(piece) / space.sample_rate)

    def _semantic_tokens(self, request: Request, record: Record) -> Iterator[int]:
        with record.running("load"):
            stage = self._semantic
        options = request.options
        yield from stage.generate(
            np.array(request.ids),
            request.voice.semantic if request.voice else None,
            options=options.semantic,
            min_eos_p=options.min_eos_p,
            max_duration=options.max_duration,
            generator=stage_generator(request.seed, "semantic", self.device),
        )

    def _coarse_codes(self, semantic: Iterator[int], request: Request, record: Record) -> Iterator[IntArray]:
        with record.running("load"):
            stage = self._coarse
        voice = request.voice
        yield from stage.generate(
            semantic,
            CoarseHistory(voice.semantic, voice.coarse) if voice else None,
            options=request.options.coarse,
            generator=stage_generator(request.seed, "coarse", self.device),
        )

    def _fine_codes(self, coarse: Iterator[IntArray], request: Request, record: Record) -> Iterator[IntArray]:
        with record.running("load"):
            stage = self._fine
        yield from stage.generate(
            coarse,
            request.voice.fine if request.voice else None,
            options=request.options.fine,
            generator=stage_generator(request.seed, "fine", self.device),
        )

    def _waveform(self, fine: Iterator[IntArray], record: Record) -> Iterator[FloatArray]:
        with record.running("load"):
            stream = self._codec.stream()
        heard = False
        for codes in fine:
            heard = True
            yield _samples(stream.push(torch.tensor(codes, device=self.device)[None]))
        if heard:
            yield _samples(stream.flush())

    def _tokens(self, record: Record) -> Tokens:
        space, pieces = self.config.tokens, record.pieces
        return Tokens(
            semantic=np.array(pieces["semantic"], dtype=np.int64),
            coarse=_joined(pieces["coarse"], space.n_coarse),
            fine=_joined(pieces["fine"], space.n_codebooks),
        )

    @cached_property
    def _tokenizer(self) -> TextTokenizer:
        return self._checkpoint.text_tokenizer()

    @cached_property
    def _semantic(self) -> SemanticStage:
        return SemanticStage(self._checkpoint.semantic(self.device, self.dtype), self.config)

    @cached_property
    def _coarse(self) -> CoarseStage:
        return CoarseStage(self._checkpoint.coarse(self.device, self.dtype), self.config)

    @cached_property
    def _fine(self) -> FineStage:
        return FineStage(self._checkpoint.fine(self.device, self.dtype), self.config)

    @cached_property
    def _codec(self) -> Codec:
        return cast(Codec, self._checkpoint.codec(self.device))


def _joined(pieces: list[Any], rows: int) -> IntArray:
    return np.concatenate([np.empty((rows, 0), dtype=np.int64), *pieces], axis=1)


def _samples(audio: torch.Tensor) -> FloatArray:
    """Audio [1, N] as [N], within [−1, 1], which a codec may exceed a little."""
    samples: FloatArray = audio[0].float().clamp(-1, 1).cpu().numpy()
    return samples
