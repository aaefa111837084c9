"""What the guards are worth: sentences said, judged, kept and counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.evaluation.judging import Panel
from bark.pipeline import Bark
from recipes.pup.guards import Setting, Trial, Verdict, failures, limits, verdicts
from tests.evaluation.fakes import FakeTranscriber

TEXTS = {3: "Hello there.", 4: "The boat left the harbour."}
SETTINGS = [Setting(0.9, False, 0), Setting(0.9, True, 0), Setting(0.9, False, 2)]
SAID = Verdict(0, SETTINGS[0], "a b c d", 1, 1, (), 1.5, 2.0, 2.0, 1.0, 2, 4, "a b")


def heard(errors: int, seconds: float, surprise: float) -> Verdict:
    return replace(SAID, errors=errors, seconds=seconds, surprise=surprise)


def test_what_fails() -> None:
    assert not heard(2, 4.0, 1.0).fails
    assert heard(3, 2.0, 1.0).fails
    assert heard(0, 4.1, 1.0).fails


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_every_sentence_is_said_in_every_setting_once(bark: Bark, tmp_path: Path) -> None:
    listener, path = FakeTranscriber(), tmp_path / "verdicts.jsonl"
    first = list(verdicts(Trial(bark, Panel(listener)), TEXTS, SETTINGS, path))
    assert [(each.number, each.setting) for each in first] == [(n, s) for n in TEXTS for s in SETTINGS]
    assert [each.tries for each in first] == [1, 1, 3] * 2  # random weights don't end
    assert listener.asked == len({(each.number, each.setting.voiced, each.seed) for each in first})
    listener.asked = 0
    assert list(verdicts(Trial(bark, Panel(listener)), TEXTS, SETTINGS, path)) == first
    assert listener.asked == 0
    assert first[0].words == 2
    assert first[0].seconds == pytest.approx(2.0)
    assert 2 < first[0].surprise < 6


def test_tables() -> None:
    found = [heard(0, 2.0, 1.1), heard(3, 2.0, 2.9), heard(0, 2.0, 1.3), heard(4, 2.0, 1.9)]
    rows = list(failures(found))
    assert rows[2] == "0.9 | none | 0 | 4 | 2 (50.0%) | 43.8% | 1.00 | 0.50"
    by_limit = dict(row.split(" | ", 1) for row in list(limits(found))[1:])
    assert by_limit["1.2"] == "75.0% | 100.0%"
    assert by_limit["2.0"] == "25.0% | 50.0%"


def test_surprise_is_of_the_tokens(bark: Bark, tmp_path: Path) -> None:
    calm, wild = (
        np.mean([each.surprise for each in verdicts(Trial(bark, Panel(FakeTranscriber())), TEXTS, [heat], path)])
        for heat, path in ((Setting(0.01, False, 0), tmp_path / "a"), (Setting(50.0, False, 0), tmp_path / "b"))
    )
    assert calm < wild
