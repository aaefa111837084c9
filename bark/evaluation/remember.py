"""Judges that keep what they said, so that audio that was judged once isn't judged again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bark.evaluation.files import Audio, make_folder
from bark.evaluation.judges import Embedding
from bark.evaluation.judging import Embeds, Panel, Rates, Transcribes
from bark.evaluation.whisper import PROMPTS

ROWS = "verdicts.jsonl"


def remembering(panel: Panel, folder: Path, language: str) -> Panel:
    """The panel, with every verdict kept in a file of the folder under the judge's name and the audio's hash.

    Args:
        panel: the judges.
        folder: made if need be.
        language: of the speech: a transcript in one is not one in another.

    Raises:
        OutputError: the folder can't be made.
    """
    verdicts = Verdicts(make_folder(folder) / ROWS)
    return replace(
        panel,
        transcriber=panel.transcriber and _Transcriber(panel.transcriber, verdicts, language),
        speaker=panel.speaker and _SpeakerJudge(panel.speaker, verdicts),
        mos=panel.mos and _MosJudge(panel.mos, verdicts),
    )


class Verdicts:
    """What judges said, a row a verdict, only ever added to.

    Args:
        path: of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str], Any] = {}
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                row = json.loads(text)
            except json.JSONDecodeError:  # empty, or cut off when a run was killed
                continue
            self._known[row["judge"], row["audio"]] = row["verdict"]

    def get(self, judge: str, audio: Audio, sample_rate: int, ask: Callable[[], Any]) -> Any:
        """The verdict that is known, else the one that `ask` gives, as a plain value."""
        key = (judge, _hash(audio, sample_rate))
        if key not in self._known:
            self._known[key] = ask()
            row = {"judge": judge, "audio": key[1], "verdict": self._known[key]}
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(row, ensure_ascii=False))
        return self._known[key]


class _Transcriber:
    def __init__(self, judge: Transcribes, verdicts: Verdicts, language: str) -> None:
        self._judge, self._verdicts = judge, verdicts
        self._name = f"words/{language}{'/prompted' if language in PROMPTS else ''}"  # without, it's another verdict

    def hearing(self, language: str) -> _Transcriber:
        return _Transcriber(self._judge.hearing(language), self._verdicts, language)

    def transcribe(self, audio: Audio, sample_rate: int) -> str:
        return str(
            self._verdicts.get(self._name, audio, sample_rate, lambda: self._judge.transcribe(audio, sample_rate))
        )


class _SpeakerJudge:
    def __init__(self, judge: Embeds, verdicts: Verdicts) -> None:
        self._judge, self._verdicts = judge, verdicts

    def embed(self, audio: Audio, sample_rate: int) -> Embedding:
        def ask() -> list[float]:
            return [round(float(value), 6) for value in self._judge.embed(audio, sample_rate)]

        return np.array(self._verdicts.get("speaker", audio, sample_rate, ask), np.float32)


class _MosJudge:
    def __init__(self, judge: Rates, verdicts: Verdicts) -> None:
        self._judge, self._verdicts = judge, verdicts

    def estimate(self, audio: Audio, sample_rate: int) -> float:
        return float(self._verdicts.get("mos", audio, sample_rate, lambda: self._judge.estimate(audio, sample_rate)))


def _hash(audio: Audio, sample_rate: int) -> str:
    return hashlib.sha256(f"{sample_rate} ".encode() + audio.tobytes()).hexdigest()[:24]
