"""Systems and judges of a few lines, for everything but the real judges."""

from __future__ import annotations

import numpy as np

from bark.evaluation.files import Audio
from bark.evaluation.judges import Embedding
from bark.evaluation.judging import Clip, Judgement
from bark.evaluation.metrics import Edits

RATE = 24_000


def tone(hertz: float, seconds: float = 0.5) -> Audio:
    """A sine, float32 [T] at 24 kHz."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


class FakeSystem:
    """Says every text as a tone whose pitch is the voice's, for a tenth of a second a word; counts what it says."""

    name = "fake"
    sample_rate = RATE

    def __init__(self) -> None:
        self.pitches = {"low": 110.0, "high": 880.0}
        self.said: list[str] = []

    def say(self, text: str, voice: str, seed: int) -> Audio:
        self.said.append(text)
        return tone(self.pitches[voice], 0.1 * len(text.split()))

    def preset(self, voice: str) -> Audio | None:
        return tone(self.pitches[voice]) if voice == "low" else None


class FakeTranscriber:
    """Hears a word for each tenth of a second."""

    def __init__(self) -> None:
        self.asked = 0
        self.languages: list[str] = []

    def hearing(self, language: str) -> FakeTranscriber:
        self.languages.append(language)
        return self

    def transcribe(self, audio: Audio, sample_rate: int) -> str:
        self.asked += 1
        return " ".join(["word"] * round(len(audio) / sample_rate * 10))


class FakeSpeaker:
    """Tells two voices by the number of times that the audio crosses zero in a second."""

    def embed(self, audio: Audio, sample_rate: int) -> Embedding:
        crossings = np.count_nonzero(np.diff(np.signbit(audio))) / len(audio) * sample_rate
        return np.array([1.0, 0.0] if crossings < 600 else [0.0, 1.0], np.float32)


class FakeMos:
    """Likes everything equally."""

    def estimate(self, audio: Audio, sample_rate: int) -> float:
        return 4.5


def judged(text: str, voice: str, errors: int, embedding: list[float], seconds: float | None = 0.25) -> Judgement:
    """A judgement of half a second of audio, as if there had been judges."""
    words = Edits(errors, len(text.split()))
    return Judgement(
        clip=Clip(tone(220.0), text, voice, seconds=seconds),
        transcript=f"heard {text}",
        words=words,
        characters=Edits(errors, len(text)),
        voice=np.array(embedding, np.float32),
        mos=4.0,
    )
