"""Times of words beside what a teacher knew: the truth, the sums, and the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.captions.sound import Sound
from bark.engine.alignment import Alignment
from bark.errors import TrainingError
from bark.pipeline import Bark
from bark.training.audio_corpus import Clip, read_clips
from recipes.pup.timing import Errors, held_out, measure, phoneme_times, print_doubts
from tests.training.tones import write_shard


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """Two words: pad, a stressed vowel and a consonant, a space, a vowel with a pause in it, a full stop."""
    row = {"id": "a", "text": "Ab e.", "voice": "v", "phonemes": "ˈab e.", "trim_start": 1200}
    row["durations"] = [4, 1, 3, 4, 2, 14, 4, 1]
    units = np.repeat([0, 1, 1, 1, 0, 1, 0, 0], row["durations"])
    units[4 + 8 + 2 + 6 :] = 0  # of the last phoneme, six units sound
    audio = np.repeat(units, 600)[1200:] * 0.5
    write_shard(tmp_path / "0000", [row], [audio])
    return read_clips([tmp_path])[0]


def test_the_truth_is_where_phonemes_sound(clip: Clip) -> None:
    times = phoneme_times(clip, Sound(clip.audio(), 24_000))
    unit = 0.025
    assert times == pytest.approx(np.array([[4, 12], [14, 20]]) * unit - 0.05, abs=0.011)


def test_sums() -> None:
    errors = Errors()
    errors.add(np.array([[0.11, 0.2], [0.31, 0.4], [0.51, 0.6]]), np.array([[0.1, 0.22], [0.3, 0.42], [0.5, 0.62]]))
    assert errors.row() == "3 | 10 | 10 | +10 | 20 | 20 | -20"


def test_only_clips_kept_from_training(work: Path) -> None:
    held = list(held_out(work, ["tones"], 10))
    assert [each.clip.held_out for each in held] == [True, True]
    assert held[0].voice is None
    assert [len(each.text.split()) for each in held] == [3, 3]
    with pytest.raises(TrainingError, match="none"):
        list(held_out(work, ["none"], 10))


def test_the_table(work: Path, own_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(work, str(own_checkpoint), ["tones"], 10)
    assert capsys.readouterr().out.count("| estimated |") == 5
    config = own_checkpoint / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "alignment_heads": [[0, 0], [1, 1]]}))
    measure(work, str(own_checkpoint), ["tones"], 10)
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[:4] for row in rows[2:7]] == [
        ["| told", "int8", "no", "6"],
        ["| told", "int8", "yes", "3"],
        ["| told", "float32", "no", "6"],
        ["| told", "float32", "yes", "3"],
        ["| estimated", "–", "–", "6"],
    ]
    assert [row.split(",")[0] for row in rows[7:9]] == ["as they are: 0 utterances", "two words twice: 0 utterances"]
    assert "the semantic stage itself takes" in rows[-1]


def test_what_looks_doubtful(
    work: Path, own_checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bark = Bark(own_checkpoint, device="cpu")
    held = [
        replace(each, spoken=replace(each.spoken, text="one two three four")) for each in held_out(work, ["tones"], 10)
    ]
    monkeypatch.setattr("recipes.pup.timing.align", lambda stage, text, history, said: looking(len(text), len(said)))
    print_doubts(bark.parts, held)
    assert capsys.readouterr().out.splitlines() == [
        "as they are: 2 utterances, 0 with a setback, 2 unreached at the end",
        "two words twice: 2 utterances, 0 with a setback, 2 unreached at the end",
        "cut before two words: 2 utterances, 0 with a setback, 2 unreached at the end",
    ]


def looking(tokens: int, steps: int) -> Alignment:
    """A model that looks at the first token only."""
    attention = np.zeros((steps, tokens))
    attention[:, 0] = 1
    return Alignment(attention, np.zeros(steps, np.int64), 25.0)
