from __future__ import annotations

import json

import pytest

from bark.evaluation.judging import Judgement
from bark.evaluation.report import HEADERS, JudgedSystem, figures, make_report, rows_of_table
from tests.evaluation.fakes import judged


@pytest.fixture
def model() -> JudgedSystem:
    clips = [
        judged("a b", "low", 1, [1, 0]),
        judged("a b c d e f g h", "low", 0, [1, 0]),
        judged("i j", "high", 0, [0, 1]),
    ]
    return JudgedSystem("model", clips, presets=[judged("", "low", 0, [1, 0])], peak_memory=50 * 2**20)


@pytest.fixture
def teacher() -> JudgedSystem:
    clips = [judged("a b", "low", 0, [1, 0]), judged("other", "low", 0, [0.6, 0.8]), judged("i j", "high", 0, [0, 1])]
    return JudgedSystem("teacher", clips)


def test_figures(model: JudgedSystem, teacher: JudgedSystem) -> None:
    found = figures(model.clips, model.presets, teacher.clips)
    assert found.clips == 3
    assert found.wer == pytest.approx(1 / 12)
    assert found.cer == pytest.approx(1 / 21)
    assert found.mos == 4.0
    assert found.duration == pytest.approx(1.5)
    assert found.speed == pytest.approx(2.0)
    assert found.preset_similarity == pytest.approx(1.0)  # there is no preset of the other voice
    # "a b" is held against "other" alone; "i j" against nothing, as the teacher says only the same words
    assert found.teacher_similarity == pytest.approx((0.6 + 1.6 / 3.2**0.5) / 2)


def test_no_judges_no_figures() -> None:
    bare = [Judgement(clip.clip) for clip in (judged("a", "low", 0, [1, 0], seconds=None),)]
    found = figures(bare)
    assert (found.wer, found.cer, found.wer_interval, found.mos, found.preset_similarity, found.speed) == (None,) * 6


def test_report_has_systems_voices_and_the_worst_first(model: JudgedSystem, teacher: JudgedSystem) -> None:
    report = make_report([model, teacher], teacher, {"sentences": 3})
    assert [system.name for system in report.systems] == ["model", "teacher"]
    assert {voice: f.clips for voice, f in report.systems[0].voices.items()} == {"high": 1, "low": 2}
    assert report.systems[0].clips[0]["text"] == "a b"
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values["about"] == {"sentences": 3}
    assert values["systems"][0]["figures"]["wer"] == pytest.approx(1 / 12)
    assert values["systems"][0]["clips"][0]["transcript"] == "heard a b"


def test_a_clip_without_words_has_no_rate() -> None:
    report = make_report([JudgedSystem("model", [judged("", "low", 2, [1, 0])])])
    assert report.systems[0].clips[0]["wer"] is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_markdown(model: JudgedSystem, teacher: JudgedSystem) -> None:
    text = make_report([model, teacher], teacher, {"sentences": 3}).to_markdown()
    assert text.startswith("sentences: 3")
    assert "| model | all | 3 | 8.3 |" in text
    assert "| model | low | 2 | 10.0 |" in text
    assert "| 2.0 | 50 |" in text
    assert "- 50% low: a b → heard a b" in text
    assert "worst of teacher" not in text


def test_table_has_a_cell_for_each_header(model: JudgedSystem) -> None:
    (row,) = rows_of_table(make_report([model]))
    assert len(row) == len(HEADERS)
