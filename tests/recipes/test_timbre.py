"""What presets sound like: another clip is kept where the model sounds better, and what is said stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bark import Bark
from bark.evaluation.judging import Panel
from bark.evaluation.teachers import Spoken
from recipes.pup.timbre import Timbre, Tried, choice

RATE = 24_000


class Humming:
    """A teacher that hums, higher each time."""

    voices = ("af_heart",)

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken:
        self.said.append(text)
        times = np.arange(3 * RATE) / RATE
        tone = sum(np.sin(2 * np.pi * (100 + 60 * len(self.said)) * k * times) / k for k in range(1, 9))
        return Spoken((0.1 * tone).astype(np.float32), "a", [])


class EverBetter:
    """Likes what comes later more; everybody is alike."""

    def __init__(self) -> None:
        self._count = 0.0

    def estimate(self, audio: Any, sample_rate: int) -> float:
        self._count += 1
        return self._count

    def embed(self, audio: Any, sample_rate: int) -> Any:
        return np.ones(4, np.float32) / 2


def test_the_sound_is_of_another_clip_and_what_is_said_of_the_preset(bundled: Any) -> None:
    bark = Bark("pup", device="cpu")
    preset, teacher, judge = bark.voices.load("v2/es_speaker_0"), Humming(), EverBetter()
    timbre = Timbre(bark.parts, lambda code: teacher, Panel(None, judge, judge), "es", clips=2, tried=1, sentences=1)
    found, heard = timbre.best(preset, "af_heart", 0)
    assert [each.clip for each in heard] == ["", teacher.said[1]]
    assert heard[1].mos > heard[0].mos
    assert np.array_equal(found.reading, preset.reading)
    assert found.coarse.shape[1] == found.fine.shape[1] == len(found.semantic) != len(preset.semantic)
    assert found.name == preset.name


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ([], 0),
        ([Tried("a", 4.0, 3.05, 0.8)], 0),  # not better by enough
        ([Tried("a", 4.0, 3.3, 0.8), Tried("b", 4.0, 3.5, 0.8)], 2),
        ([Tried("a", 4.0, 3.4, 0.7)], 0),  # less like the speaker
        ([Tried("a", 4.0, 3.0, 0.9)], 1),  # or more
    ],
)
def test_choice(others: list[Tried], kept: int) -> None:
    assert choice([Tried("", 4.0, 3.0, 0.8), *others]) == kept
