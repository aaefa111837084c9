from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.errors import BarkError, OptionError
from bark.evaluation.synthesis import ROWS, WARM_UP, Line, load, missing, plan, speak, speak_apart
from bark.evaluation.systems import SystemSpec


def test_voices_take_turns_and_seeds_count_up() -> None:
    lines = plan(["a", "b", "c"], ["x", "y", "z", "unused"], seed=5)
    assert lines[:3] == [Line("a", "x", 5), Line("b", "y", 6), Line("c", "z", 7)]
    assert lines[3:] == [Line(None, "x"), Line(None, "y"), Line(None, "z")]


@pytest.mark.parametrize(("sentences", "voices", "what"), [([], ["x"], "sentences"), (["a"], [], "voices")])
def test_nothing_to_say(sentences: list[str], voices: list[str], what: str) -> None:
    with pytest.raises(OptionError, match=f"without {what}"):
        plan(sentences, voices)


def test_what_was_spoken_is_loaded_in_order(system: Any, lines: list[Line], tmp_path: Path) -> None:
    done: list[int] = []
    speak(lambda: system, lines, tmp_path / "new", "key", done.append)
    assert done == [1, 2, 3, 4]
    assert system.said == [WARM_UP, "one two", "one two three"]
    speech = load(lines, tmp_path / "new", "key")
    assert [(clip.text, clip.voice) for clip in speech.clips] == [("one two", "low"), ("one two three", "high")]
    assert [clip.duration for clip in speech.clips] == pytest.approx([0.2, 0.3])
    assert all(clip.seconds is not None and clip.seconds >= 0 for clip in speech.clips)
    assert [clip.voice for clip in speech.presets] == ["low"]  # the other voice has no recording
    assert speech.peak_memory > 10_000_000
    np.testing.assert_allclose(speech.clips[0].audio, system.say("one two", "low", 7), atol=1e-4)


def test_a_second_run_says_nothing(system: Any, lines: list[Line], tmp_path: Path) -> None:
    speak(lambda: system, lines, tmp_path, "key")
    speak(lambda: pytest.fail("the system was made"), lines, tmp_path, "key")


def test_a_killed_run_is_gone_on_with(system: Any, lines: list[Line], tmp_path: Path) -> None:
    speak(lambda: system, lines, tmp_path, "key")
    rows = (tmp_path / ROWS).read_text()
    (tmp_path / ROWS).write_text(rows[: rows.index('"preset-low') + 5])  # killed while writing the third row
    system.said.clear()
    speak(lambda: system, lines, tmp_path, "key")
    assert system.said == [WARM_UP]
    assert not missing(lines, tmp_path, "key")


def test_audio_of_other_weights_texts_or_seeds_is_made_anew(system: Any, lines: list[Line], tmp_path: Path) -> None:
    speak(lambda: system, lines, tmp_path, "key")
    assert len(missing(lines, tmp_path, "other key")) == 4
    changed = [Line("one two", "low", 70), Line("three", "high", 8), *lines[2:]]
    assert [name for name, _ in missing(changed, tmp_path, "key")] == ["0000.wav", "0001.wav"]
    (tmp_path / "0000.wav").unlink()
    assert [name for name, _ in missing(lines, tmp_path, "key")] == ["0000.wav"]


def test_loading_what_was_not_spoken(lines: list[Line], tmp_path: Path) -> None:
    with pytest.raises(BarkError, match=r"4 of 4 clips are missing in .*, 0000\.wav is the first"):
        load(lines, tmp_path, "key")


def test_a_model_speaks_in_a_process_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    spec = SystemSpec("tiny", model=str(checkpoint), device="cpu")
    lines = plan(["Hello there."], ["v2/en_speaker_0"])
    done: list[int] = []
    speak_apart(spec, lines, tmp_path, done.append)
    speech = load(lines, tmp_path, spec.key())
    assert done == [1, 2]
    assert speech.clips[0].sample_rate == 24_000
    assert speech.presets[0].duration == pytest.approx(2.0)
    speak_apart(spec, lines, tmp_path, lambda count: pytest.fail("it spoke again"))


def test_the_process_says_what_went_wrong(checkpoint: Path, tmp_path: Path) -> None:
    spec = SystemSpec("tiny", model=str(checkpoint), device="cpu")
    with pytest.raises(BarkError, match="no voice 'v2/en_speaker_7'"):
        speak_apart(spec, plan(["Hello."], ["v2/en_speaker_7"]), tmp_path)
