"""The whole way: text to speech."""

from __future__ import annotations

import logging
import os
import secrets
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch

from bark.checkpoints.opening import open_model
from bark.engine.device import choose_device, choose_dtype
from bark.engine.quantize import choose_quantize
from bark.errors import BarkWarning, OptionError
from bark.models.config import ModelConfig
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.record import Progress, Record
from bark.result import Generation
from bark.settings import Settings
from bark.speaking import FloatArray, Request, Speaking
from bark.text.normalize import normalize
from bark.tokens import SUNO
from bark.voices import VoiceLike

logger = logging.getLogger(__name__)


class Bark:
    """A model that speaks. Its parts are loaded when they are first needed.

    Args:
        model: name or folder of a checkpoint; None for `BARK_MODEL`, else `pup`, which is in the package.
        device: for example `cpu` or `cuda:1`; None for `BARK_DEVICE`, else a GPU where there is one.
        dtype: of the three models' weights, for example `float32` or `bfloat16`; None for `BARK_DTYPE`, else bfloat16
            on a GPU that computes in it and, on a CPU, what `quantize` says. The codec always computes in float32.
        quantize: on a CPU, `int8` to keep the weights as whole numbers of 8 bits, about two to three times as fast
            as float32 and a little less exact, or `none`; None for `BARK_QUANTIZE`, else int8 unless a dtype is given.
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
        self._speaking = Speaking(self.parts)
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
        options = self._options(
            options, seed=seed, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration
        )
        request = self.request(text, voice, options, stacklevel=3)
        record = Record(progress)
        return self._made(request, list(self._speaking.alone(request, record)), record, stacklevel=3)

    def stream(
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
    ) -> Iterator[FloatArray]:
        """Speaks a text in pieces, each as soon as it is settled; joined they are the audio of `generate`.

        The arguments and the errors are those of `generate`; the errors come at once.

        Returns:
            Audio, [T] float32 in [−1, 1] each. Between two pieces nothing is computed: whoever plays them should ask
            for the next while one is played.
        """
        options = self._options(
            options, seed=seed, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration
        )
        return self._speaking.alone(self.request(text, voice, options, stacklevel=3), Record(progress))

    def generate_batch(
        self,
        texts: Iterable[str],
        voices: VoiceLike | Sequence[VoiceLike | None] | None = None,
        *,
        seed: int | Sequence[int] | None = None,
        temperature: float | None = None,
        min_eos_p: float | None = None,
        max_duration: float | None = None,
        options: GenerateOptions | None = None,
        slots: int = 8,
    ) -> list[Generation]:
        """Speaks many texts, several at a time: sooner done than one after another, each as it would be alone.

        Args:
            texts: what to say.
            voices: who says it: one for all, or a list of one for each.
            seed: of each text, or one number: the first text's, the next has the next.
            temperature, min_eos_p, max_duration, options: for all; see `generate`.
            slots: texts at a time; each takes room for its keys and values (`n_layer × block_size × n_embd × 2`
                numbers).

        Returns:
            One for each text, in their order. `timings` are of each from its first token to its last, with those
            beside it.

        Raises:
            OptionError: there aren't as many voices or seeds as texts, or an option makes no sense.
            BarkError: as `generate` does, before anything is spoken.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        options = self._options(options, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration)
        first = seed if isinstance(seed, Integral) else None
        seeds = _each(seed, len(texts), "seeds") if first is None else [int(first) + i for i in range(len(texts))]
        requests = [
            self.request(text, voice, options.with_changes(seed=own), stacklevel=3)
            for text, voice, own in zip(texts, _each(voices, len(texts), "voices"), seeds, strict=True)
        ]
        found = {id(request): made for request, made in self.iterate(requests, slots)}
        return [found[id(request)] for request in requests]

    def iterate(self, requests: Iterable[Request], slots: int = 8) -> Iterator[tuple[Request, Generation]]:
        """Speaks requests (see `request`), several at a time, and gives each as soon as it is done.

        Args:
            requests: as many as there are; they are asked for when there is room for them.
            slots: how many at a time.

        Raises:
            OptionError: there are no slots.
            CheckpointError: a part of the checkpoint is missing or broken.
        """
        if slots < 1:
            raise OptionError(f"slots must be at least 1, not {slots}")
        for request, audio, record in self._speaking.together(requests, slots):
            yield request, self._made(request, audio, record, stacklevel=4)

    def request(
        self, text: str, voice: VoiceLike | None = None, options: GenerateOptions | None = None, *, stacklevel: int = 2
    ) -> Request:
        """What one utterance is made from, checked; for `iterate`.

        Args:
            text: what to say.
            voice: who says it; see `generate`.
            options: None for the model's own. Without a seed one is drawn.
            stacklevel: of a warning that the text is too long; 2 is the caller.

        Raises:
            BarkError: as `generate` does.
        """
        options = options or self.config.generation
        text = normalize(text)
        return Request(
            text=text,
            ids=self.encode(text, stacklevel=stacklevel + 1),
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

    def _options(self, options: GenerateOptions | None, **changes: Any) -> GenerateOptions:
        return (options or self.config.generation).with_changes(**changes)

    def _made(self, request: Request, audio: list[FloatArray], record: Record, stacklevel: int) -> Generation:
        if not audio:
            warnings.warn(
                "the model ended the utterance at once: the audio is empty", BarkWarning, stacklevel=stacklevel
            )
        return self._speaking.generation(request, audio, record)


def _each(values: Any, count: int, what: str) -> Sequence[Any]:
    """One value for each text: those of a list, or the same for all.

    Raises:
        OptionError: there are more or fewer.
    """
    if not isinstance(values, (list, tuple)):
        return [values] * count
    if len(values) != count:
        raise OptionError(f"{what}: {len(values)} for {count} texts")
    return values
