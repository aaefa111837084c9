"""The recipe's own evaluation, with a tiny model, a teacher that hums, and judges of a few lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.errors import BarkError, OptionError
from bark.evaluation.judging import Panel
from bark.evaluation.metrics import Edits
from bark.evaluation.report import JudgedSystem, Report, make_report
from bark.evaluation.run import Evaluation
from bark.evaluation.teachers import Spoken
from recipes.pup import evaluate as recipe
from recipes.pup import evaluation_table
from recipes.pup.evaluate import presets_of
from tests.evaluation.fakes import FakeMos, FakeSpeaker, FakeTranscriber, judged, tone

PRESETS = {"v2/en_speaker_0": "af_heart", "v2/de_speaker_0": "im_nicola", "v2/en_speaker_1": "am_michael"}
CONFIG = {"voices": {"presets": PRESETS}}


@pytest.fixture(autouse=True)
def sounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A quarter of the sounds is misheard, whatever is said; the languages and texts asked for."""
    asked: list[tuple[str, str]] = []

    def edits(text: str, heard: str, language: str) -> Edits:
        asked.append((language, text))
        return Edits(1, 4)

    evaluation_table._sounds.cache_clear()
    monkeypatch.setattr(evaluation_table, "edits", edits)
    return asked


class TestPresets:
    def test_by_language(self) -> None:
        assert presets_of(CONFIG) == presets_of(CONFIG, ["all"])
        assert list(presets_of(CONFIG)) == ["en", "de"]
        assert presets_of(CONFIG, ["de"]) == {"de": {"v2/de_speaker_0": "im_nicola"}}
        assert list(presets_of(CONFIG, ["de", "en", "de"])) == ["de", "en"]

    def test_none(self) -> None:
        with pytest.raises(OptionError, match=r"has none in 'fr'; there are some in en, de"):
            presets_of(CONFIG, ["de", "fr"])
        with pytest.raises(OptionError, match="'mine' tells no language"):
            presets_of({"voices": {"presets": {"mine": "af_heart"}}})


class TestRuns:
    """What is asked of `bark.evaluation`."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[Evaluation]:
        asked: list[Evaluation] = []

        def run(evaluation: Evaluation, pictures: Path | None, tell: object) -> Report:
            assert (pictures is not None) == (evaluation.language == "en")
            asked.append(evaluation)
            clips = [judged("a b", "v2/en_speaker_0", 1, [1, 0])]
            return make_report([JudgedSystem("checkpoint", clips), JudgedSystem("kokoro", clips)])

        monkeypatch.setattr(recipe, "run", run)
        monkeypatch.setattr(recipe, "speak", lambda *_: None)
        monkeypatch.setattr(recipe.Panel, "load", lambda judges, language: Panel())
        return asked

    def test_pup_is_held_against_its_teacher(self, tmp_path: Path, asked: list[Evaluation]) -> None:
        recipe.evaluate(CONFIG, tmp_path, languages=["en"])
        (evaluation,) = asked
        assert [(spec.name, spec.kind) for spec in evaluation.systems] == [("checkpoint", "bark"), ("kokoro", "kokoro")]
        assert evaluation.systems[1].voices == {"v2/en_speaker_0": "af_heart", "v2/en_speaker_1": "am_michael"}
        assert evaluation.teacher == "kokoro"
        spoken = [line for line in evaluation.lines if line.text]
        assert len(spoken) == recipe.STANDARD
        assert [line.voice for line in spoken[:3]] == ["v2/en_speaker_0", "v2/en_speaker_1", "v2/en_speaker_0"]
        values = json.loads((tmp_path / "evaluation" / "report.json").read_text())
        assert values["languages"]["en"]["systems"][0]["figures"]["wer"] == 0.5
        assert [row["language"] for row in values["table"]] == ["en", "en"]
        assert "| en | checkpoint | 1 | 50.0 |" in (tmp_path / "evaluation" / "report.md").read_text()

    def test_all_languages(self, tmp_path: Path, asked: list[Evaluation], sounds: list[tuple[str, str]]) -> None:
        checkpoints = [tmp_path / "one", tmp_path / "two"]
        recipe.evaluate(CONFIG, tmp_path, checkpoints, sentences=20, judges=["words"])
        assert [evaluation.language for evaluation in asked] == ["en", "de"]
        german = asked[1]
        assert [spec.name for spec in german.systems] == ["one", "two", "kokoro"]
        assert german.folder == tmp_path / "evaluation" / "de"
        assert german.systems[2].voices == {"v2/de_speaker_0": "im_nicola"}
        assert len([line for line in german.lines if line.text]) == 20
        text = (tmp_path / "evaluation" / "report.md").read_text()
        assert "| de | checkpoint | 1 | 33.3 | 33.3 … 33.3 | 25.0 | 25.0 … 25.0 | – | 4.00 | 2.0 |" in text
        assert "| mean | kokoro | 2 | 41.7 | – | 25.0 | – | – | 4.00 | 2.0 |" in text
        assert "| v2/en_speaker_0 (af_heart) | kokoro |" in text
        assert "Understood worst of checkpoint, de:" in text
        assert sounds == [("en", "a b"), ("de", "a b")]

    def test_what_is_asked_for_in_vain(
        self, tmp_path: Path, asked: list[Evaluation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(OptionError, match="folders of different names, and none that is kokoro"):
            recipe.evaluate(CONFIG, tmp_path, [tmp_path / "a" / "one", tmp_path / "b" / "one"])

        def absent(*_: object) -> Panel:
            raise BarkError("evaluation needs the package distillmos")

        monkeypatch.setattr(recipe.Panel, "load", absent)
        with pytest.raises(BarkError, match="needs the package distillmos"):
            recipe.evaluate(CONFIG, tmp_path)
        assert not asked


class Hum:
    """A teacher of any language, whose voices differ in pitch."""

    voices = ("im_nicola",)

    def __init__(self, kokoro: object, language: str) -> None:
        assert language == "de"
        self.said: list[str] = []

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken:
        assert voice == "im_nicola"
        return Spoken(tone(880.0, 0.1 * len(text.split())), "", [])


def test_a_language_from_speech_to_table(own_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jiwer")
    shutil.copyfile(own_checkpoint / "voices/v2/en_speaker_0.npz", own_checkpoint / "voices/v2/de_speaker_0.npz")
    ears = FakeTranscriber()
    monkeypatch.setattr(recipe, "_kokoro", lambda voices: None)
    monkeypatch.setattr(recipe, "Polyglot", Hum)
    monkeypatch.setattr(recipe.Panel, "load", lambda judges, language: Panel(ears, FakeSpeaker(), FakeMos()))
    for sentences in (1, 2):
        found = recipe.evaluate(CONFIG, tmp_path, [own_checkpoint], sentences=sentences, languages=["de"])
        assert [system.figures.clips for system in found["de"].systems] == [sentences] * 2
        assert ears.asked == 2 * sentences  # the first sentence isn't heard again
    model, teacher = found["de"].systems
    assert teacher.figures.mos == 4.5
    assert teacher.figures.preset_similarity is not None  # to the model's preset, as it has none
    assert model.figures.speed is not None
    assert np.isfinite(model.figures.cer_interval).all()
    rows: list[dict[str, Any]] = evaluation_table.table(found)
    assert [(row["system"], row["wrong"]) for row in rows] == [
        (system.name, system.figures.cer) for system in (model, teacher)
    ]
