"""The whole way: text to speech."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch

from bark.batch import Batch, Part
from bark.checkpoints.opening import open_model
from bark.dialogue import as_script, dialogue_lines, plain_text
from bark.engine.device import choose_device, choose_dtype
from bark.engine.quantize import choose_quantize
from bark.errors import OptionError
from bark.flow import together
from bark.lines import Line
from bark.models.config import ModelConfig
from bark.narration import Narration, whole
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.reading import lines_of
from bark.record import Progress
from bark.request import FloatArray, Request
from bark.result import Generation, Utterance
from bark.settings import Settings
from bark.speaking import Speaking, drawn_seed
from bark.text.normalize import normalize
from bark.text.script import Script
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
        coarse_windows: `exact`, as the model was trained and as Suno's own code reads; or, sooner done and less like
            it, `wide` or `widest`, which write twice or four times as many coarse tokens before they read anew.
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
        coarse_windows: str = "exact",
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
            windows=coarse_windows,
            graphs=settings.cuda_graphs,
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
        coarse_windows: str = "exact",
    ) -> Bark:
        """The same as `Bark(…)`, by the name that it has elsewhere."""
        return cls(model, device, dtype, quantize=quantize, small=small, offload=offload, coarse_windows=coarse_windows)

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
        language: str | None = None,
        options: GenerateOptions | None = None,
        progress: Progress | None = None,
    ) -> Generation:
        """Speaks a text of any length, line by line; see `plan`.

        Args:
            text: what to say.
            voice: who says it: a name (`v2/en_speaker_0`), the path of an npz file, a dict of the arrays in one, or
                a voice; None for any. See `bark.voices.VoiceLibrary.load`.
            seed: the same seed gives the same utterance; None draws one, and the result has it.
            temperature: of the semantic and coarse stages; lower is calmer. Without it the model's own
                (`config.generation`; Suno's is 0.7).
            min_eos_p: probability of the end at which the utterance ends; without it the model's own (Suno's is 0.2).
            max_duration: seconds at most; text that is left then goes unspoken, with a `BarkWarning`.
            language: of the text, as a two-letter code; see `plan`.
            options: all that can be chosen; what isn't is the model's own. What is given beside it comes first.
            progress: called with stage, seconds of the line so far, and whether the stage has ended it.

        Raises:
            TextError: there is no text, or it is not text.
            VoiceError: there is no such voice, or it is not of this model.
            OptionError: an option makes no sense.
            CheckpointError: a part of the checkpoint is missing or broken.
        """
        options = self._options(
            options, seed=seed, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration
        )
        pieces = self._pieces(text, voice, options, language, progress)
        return whole(normalize(text), options.seed or 0, self.sample_rate, pieces)

    def stream(
        self,
        text: str,
        voice: VoiceLike | None = None,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        min_eos_p: float | None = None,
        max_duration: float | None = None,
        language: str | None = None,
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
        pieces = self._pieces(text, voice, options, language, progress)
        return (piece for piece in pieces if not isinstance(piece, Utterance))

    def plan(
        self,
        text: str,
        voice: VoiceLike | None = None,
        options: GenerateOptions | None = None,
        language: str | None = None,
    ) -> list[Line]:
        """The lines that a text is spoken in, for `narrate`.

        A paragraph that the model can say in one go is one line. A longer text is cut between sentences, where one is
        too long between clauses, and then between words; the first lines are short, so that the first is heard soon.
        The first line has the seed of the options, the others have seeds that follow from it.

        Args:
            text: of any length.
            voice: who says it; see `generate`.
            options: None for the model's own. Without a seed one is drawn.
            language: a two-letter code, for telling sentences apart; None for that in the voice's name, else English.

        Raises:
            TextError: there is nothing to say, or it is not text.
            VoiceError: there is no such voice, or it is not of this model.
        """
        return list(self._lines(text, voice, self._options(options), language))

    def narrate(
        self, lines: Iterable[Line], *, max_duration: float | None = None, progress: Progress | None = None
    ) -> Iterator[Utterance]:
        """Speaks lines one after another, and gives each as soon as it is whole.

        Lines without a voice are in that of the first line of the same speaker, as if it had been given.

        Args:
            lines: as `plan` gives them, or others; the next is asked for when the one before is done.
            max_duration: seconds at most of all together.
            progress: see `generate`.

        Raises:
            BarkError: as `generate` does, when it comes to the line.
        """
        pieces = self.speak(lines, max_duration=max_duration, progress=progress)
        return (piece for piece in pieces if isinstance(piece, Utterance))

    def speak(
        self, lines: Iterable[Line], *, max_duration: float | None = None, progress: Progress | None = None
    ) -> Iterator[FloatArray | Utterance]:
        """Both in one: the pieces of `stream`, and after those of each line its utterance, as `narrate` gives it.

        The arguments and the errors are those of `narrate`. Pauses are pieces too.
        """
        return Narration(self._speaking, max_duration, progress).pieces(lines)

    def dialogue(
        self,
        script: Script | str,
        cast: Mapping[str, VoiceLike | None] | None = None,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        max_duration: float | None = None,
        options: GenerateOptions | None = None,
        progress: Progress | None = None,
    ) -> Generation:
        """Speaks a script, each speaker in a voice of their own; `Generation.stems` has them apart.

        Args:
            script: `NAME: what they say`, line by line; see `bark.text.script.parse_script`.
            cast: voices by name, before those in the script's header; the others get voices of the model.
            seed, temperature, max_duration, options, progress: as in `generate`, for all whom the header gives no own.

        Raises:
            BarkError: as `generate` does, or the script's header is broken.
        """
        options = self._options(options, seed=seed, temperature=temperature, max_duration=max_duration)
        script = as_script(script, cast)
        lines = dialogue_lines(self.parts, script, cast, options)
        pieces = self.speak(lines, max_duration=options.max_duration, progress=progress)
        return whole(normalize(plain_text(script)), options.seed or 0, self.sample_rate, pieces)

    def plan_dialogue(
        self,
        script: Script | str,
        cast: Mapping[str, VoiceLike | None] | None = None,
        options: GenerateOptions | None = None,
    ) -> list[Line]:
        """The lines that `dialogue` speaks, for `narrate`; its arguments and errors."""
        return list(dialogue_lines(self.parts, as_script(script, cast), cast, self._options(options)))

    def generate_batch(
        self,
        texts: Iterable[str],
        voices: VoiceLike | Sequence[VoiceLike | None] | None = None,
        *,
        seed: int | Sequence[int] | None = None,
        temperature: float | None = None,
        min_eos_p: float | None = None,
        max_duration: float | None = None,
        language: str | None = None,
        options: GenerateOptions | None = None,
        slots: int = 8,
    ) -> list[Generation]:
        """Speaks many texts, several at a time: sooner done than one after another, each as it would be alone.

        Args:
            texts: what to say.
            voices: who says it: one for all, or a list of one for each.
            seed: of each text, or one number: the first text's, the next has the next.
            temperature, min_eos_p, max_duration, language, options: for all; see `generate`.
            slots: lines at a time; each takes room for its keys and values (`n_layer × block_size × n_embd × 2`
                numbers).

        Returns:
            One for each text, in their order. `timings` are of each from its first token to its last, with those
            beside it.

        Raises:
            OptionError: there aren't as many voices or seeds as texts, or an option makes no sense.
            BarkError: as `generate` does, before anything is spoken.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        options = self._suited(options, temperature=temperature, min_eos_p=min_eos_p, max_duration=max_duration)
        if isinstance(seed, Integral):
            seed = range(int(seed), int(seed) + len(texts))
        seeds = _each(list(seed) if isinstance(seed, Iterable) else seed, len(texts), "seeds")
        chosen = [self._options(options, seed=own) for own in seeds]
        parts = [
            Part(
                Narration(self._speaking, own.max_duration, name=f"text {number}, " if len(texts) > 1 else ""),
                list(self._lines(text, voice, own, language)),
            )
            for number, (text, voice, own) in enumerate(
                zip(texts, _each(voices, len(texts), "voices"), chosen, strict=True), 1
            )
        ]
        Batch(parts).speak(self._speaking, _slots(slots))
        return [
            whole(normalize(text), own.seed or 0, self.sample_rate, part.pieces)
            for text, own, part in zip(texts, chosen, parts, strict=True)
        ]

    def iterate(self, requests: Iterable[Request], slots: int = 8) -> Iterator[tuple[Request, Generation]]:
        """Speaks requests (see `request`), several at a time, and gives each as soon as it is done.

        Args:
            requests: as many as there are; they are asked for when there is room for them.
            slots: how many at a time.

        Raises:
            OptionError: there are no slots.
            CheckpointError: a part of the checkpoint is missing or broken.
        """
        for take in together(self._speaking, requests, _slots(slots)):
            pieces = Narration(self._speaking).finish(Line(take.asked.text), take)
            yield take.asked, whole(take.asked.text, take.asked.seed, self.sample_rate, [*take.pieces, *pieces])

    def request(self, text: str, voice: VoiceLike | None = None, options: GenerateOptions | None = None) -> Request:
        """What one utterance is made from, checked; for `iterate`.

        Args:
            text: what to say; what the model can't read at a time is cut, with a `BarkWarning`.
            voice: who says it; see `generate`.
            options: None for the model's own. Without a seed one is drawn.

        Raises:
            BarkError: as `generate` does.
        """
        return self._speaking.request(text, voice, options)

    def encode(self, text: str) -> list[int]:
        """Ids of a normalised text, as many as the model reads; a longer text is cut, with a `BarkWarning`.

        Args:
            text: as `bark.text.normalize` gives it.
        """
        return self._speaking.encode(text)

    def _lines(
        self, text: str, voice: VoiceLike | None, options: GenerateOptions, language: str | None
    ) -> Iterator[Line]:
        """The lines of `plan`, each as soon as it is settled; errors come at once."""
        loaded = None if voice is None else self.voices.load(voice)
        return lines_of(self.parts, text, loaded, options, options.seed or 0, language)

    def _pieces(
        self,
        text: str,
        voice: VoiceLike | None,
        options: GenerateOptions,
        language: str | None,
        progress: Progress | None,
    ) -> Iterator[FloatArray | Utterance]:
        lines = self._lines(text, voice, options, language)
        return self.speak(lines, max_duration=options.max_duration, progress=progress)

    def _suited(self, options: GenerateOptions | None, **changes: Any) -> GenerateOptions:
        """The options, changed, and the model's own where nothing is chosen."""
        if not isinstance(options, GenerateOptions | None):
            raise OptionError(f"options must be GenerateOptions, not {type(options).__name__}")
        return (options or GenerateOptions()).suited(self.config.generation).with_changes(**changes)

    def _options(self, options: GenerateOptions | None, **changes: Any) -> GenerateOptions:
        """The options that hold, with a seed."""
        options = self._suited(options, **changes)
        return options if options.seed is not None else replace(options, seed=drawn_seed())


def _slots(count: int) -> int:
    """Checks how many rows there may be.

    Raises:
        OptionError: there are none.
    """
    if not isinstance(count, Integral) or count < 1:
        raise OptionError(f"slots must be a whole number, at least 1, not {count!r}")
    return int(count)


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
