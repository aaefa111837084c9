"""What clients ask for, and what each answer must be: the bytes of the same text, voice and seed, spoken alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from bark.audio.samples import as_int16
from bark.server.jobs import FloatArray

TEXTS = (
    "Good morning.",
    "The boat left the harbour at dawn.",
    "Nobody knew that eleven people were on it.",
    "She asked for a cup of tea, and for the newspaper of the day before.",
    "It was raining.\n\nThe bus was late.\n\nWe walked home.",
    "Please mind the gap between the train and the platform.",
)
VOICES = ("v2/en_speaker_0", "v2/en_speaker_3")
SAMPLE = 2  # bytes


@dataclass(frozen=True)
class Case:
    """Something to be spoken.

    Attributes:
        text, voice, seed: of it.
        pcm: what it must be.
    """

    text: str
    voice: str
    seed: int
    pcm: bytes

    @property
    def body(self) -> dict[str, object]:
        """Of a request."""
        return {"input": self.text, "voice": self.voice, "seed": self.seed, "response_format": "pcm"}

    def differs(self, pcm: bytes) -> int:
        """By how much the samples differ at most: 0 for the same bytes; all there is for another length."""
        if len(pcm) != len(self.pcm):
            return 1 << 16
        here, there = np.frombuffer(pcm, "<i2").astype(int), np.frombuffer(self.pcm, "<i2").astype(int)
        return int(np.abs(here - there).max(initial=0))


def spoken_alone(model: str | None, texts: Sequence[str], voices: Sequence[str]) -> list[Case]:
    """Each text in each voice, with a seed of its own, one after another in a process that ends with it."""
    asked = [(text, voice, 100 + seed) for seed, (text, voice) in enumerate(product(texts, voices))]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        audio = process.submit(_speak, model, asked).result()
    return [Case(*of, as_int16(each).tobytes()) for of, each in zip(asked, audio, strict=True)]


def _speak(model: str | None, asked: Sequence[tuple[str, str, int]]) -> list[FloatArray]:
    import torch

    from bark.pipeline import Bark

    torch.set_num_threads(1)  # where something else runs, several wait for each other ten times as long
    bark = Bark(model)
    return [bark.generate(text, voice, seed=seed).audio for text, voice, seed in asked]
