import sys
from pathlib import Path

import pytest

from bark.errors import BarkError
from bark.evaluation.packages import data_folder, require

HINT = "pip install 'openbark\\[eval\\]'"


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(BarkError, match=f"needs the package no_such_judge.*{HINT}"):
        require("no_such_judge.models")


def test_missing_data_is_named_with_what_to_do() -> None:
    with pytest.raises(BarkError, match=f"no_such_weights, which isn't installed.*{HINT}"):
        data_folder("no_such_weights")


def test_an_unused_module_that_is_missing_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judge_with_baggage.py").write_text("import no_such_baggage\nVERDICT = 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert require("judge_with_baggage", unused=("no_such_baggage",)).VERDICT == 4
    assert "no_such_baggage" not in sys.modules
    del sys.modules["judge_with_baggage"]
    with pytest.raises(BarkError, match="judge_with_baggage"):
        require("judge_with_baggage")
