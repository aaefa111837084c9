"""The command `bench`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUICK = ("--rounds", "1", "--tokens", "4", "--seconds", "0.3", "--buffer", "0.001")


def test_the_command_prints_a_table(call: Callable[..., Any], tmp_path: Path) -> None:
    outcome = call("bench", *QUICK, "--json", "bench.json")
    assert outcome.status == 0, outcome.err
    shown = outcome.out.decode()
    assert "semantic, each token after it" in shown
    assert "× real time" in shown
    assert json.loads((tmp_path / "bench.json").read_text())["machine"]["torch"]


def test_the_command_prints_json(call: Callable[..., Any]) -> None:
    outcome = call("bench", *QUICK, "--dtype", "float32", "--json", "-")
    assert json.loads(outcome.out)["precision"] == "float32"


def test_a_bad_target_is_told_before_the_work(call: Callable[..., Any]) -> None:
    outcome = call("bench", "--json", "nowhere/bench.json")
    assert outcome.status == 1
    assert "nowhere" in outcome.err
