"""What is said of a long text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bark.evaluation.judging import Clip, Judgement
from bark.evaluation.metrics import Edits
from recipes.pup.chapter import clips_of, likenesses, misheard, plot


def judgement(errors: int, total: int, voice: list[float]) -> Judgement:
    clip = Clip(np.zeros(2400, np.float32), "one two")
    return Judgement(clip, "one", Edits(errors, total), voice=np.array(voice, np.float32))


def test_the_lines_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    (tmp_path / "project.json").write_text(json.dumps({"lines": [{"text": "A."}, {"text": "B."}]}))
    for number, length in enumerate((100, 200), 1):
        soundfile.write(tmp_path / "segments" / f"{number:04}.wav", np.zeros(length), 24_000)
    assert [(clip.text, len(clip.audio)) for clip in clips_of(tmp_path)] == [("A.", 100), ("B.", 200)]


def test_what_is_told(tmp_path: Path) -> None:
    judged = [judgement(1, 10, [1, 0]), judgement(2, 20, [0.6, 0.8]), judgement(0, 10, [1, 0])]
    assert misheard(judged) == (pytest.approx(7.5), 40)
    assert likenesses(judged) == pytest.approx([1, 0.6, 1])
    plot([each.clip for each in judged], likenesses(judged), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000
