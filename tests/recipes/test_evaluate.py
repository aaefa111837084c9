"""The recipe's own evaluation, without its systems and judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bark.evaluation.report import JudgedSystem, Report, make_report
from bark.evaluation.run import Evaluation
from recipes.pup import evaluate as recipe
from tests.evaluation.fakes import judged


def test_pup_is_held_against_its_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Evaluation] = []

    def run(evaluation: Evaluation, *rest: object) -> Report:
        asked.append(evaluation)
        return make_report([JudgedSystem("checkpoint", [judged("a b", "v", 1, [1, 0])])])

    monkeypatch.setattr(recipe, "run", run)
    presets = {"v2/en_speaker_0": "af_heart", "v2/en_speaker_1": "am_michael"}
    recipe.evaluate({"voices": {"presets": presets}}, tmp_path)
    (evaluation,) = asked
    assert [(spec.name, spec.kind) for spec in evaluation.systems] == [("checkpoint", "bark"), ("kokoro", "kokoro")]
    assert evaluation.systems[1].voices == presets
    assert evaluation.teacher == "kokoro"
    spoken = [line for line in evaluation.lines if line.text]
    assert len(spoken) == recipe.STANDARD
    assert [line.voice for line in spoken[:3]] == ["v2/en_speaker_0", "v2/en_speaker_1", "v2/en_speaker_0"]
    assert json.loads((tmp_path / "evaluation" / "report.json").read_text())["systems"][0]["figures"]["wer"] == 0.5
    assert "| checkpoint | all | 1 | 50.0 |" in (tmp_path / "evaluation" / "report.md").read_text()
