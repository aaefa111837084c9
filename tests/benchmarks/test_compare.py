"""Turns, tables and pictures, with implementations of a few lines; then ours itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bark.evaluation.measures import Workload
from benchmarks import __main__ as command
from benchmarks.compare import Plan, compare
from benchmarks.report import to_markdown
from benchmarks.systems import DEFAULT, System, parse

Told = tuple[list[str], Any]
QUICK = Workload(text=4, semantic=5, seconds=0.2, batches=(2,))


def plan(*systems: str, **options: Any) -> Plan:
    return Plan([parse(system) for system in systems], ("tiny",), QUICK, gib=0.001, threads=1, **options)


def measured(plan: Plan, told: Told) -> dict[str, Any]:
    *_, results = compare(plan, told[1])
    return results


def test_a_system_is_a_line() -> None:
    assert parse("ours:dtype=bfloat16,quantize=none") == System("ours", {"dtype": "bfloat16", "quantize": "none"})
    assert parse("ours:quantize=int8").precision == "int8"
    assert parse("original").precision == "float32"
    assert [parse(text).name for text in DEFAULT][-1] == "ours int8"
    with pytest.raises(ValueError, match="no implementation 'theirs'; there are original"):
        parse("theirs")
    with pytest.raises(ValueError, match="expected options like"):
        parse("ours:dtype")


def test_systems_take_turns(fake_log: Path, told: Told) -> None:
    results = measured(plan("fake:factor=1", "fake:factor=2", rounds=2), told)
    asked = [line for line in fake_log.read_text().splitlines() if "codec" in line]
    assert asked == ["1 codec", "2 codec", "2 codec", "1 codec"]
    systems = results["shapes"]["tiny"]["systems"]
    figures = systems["fake 2"]["figures"]
    assert figures["semantic_first"] == {"median": 1.0, "values": [1.0, 1.0]}
    assert figures["batch_2"]["median"] == pytest.approx(4.0)
    assert systems["fake 1"]["missing"] == {"fine": "it has no fine stage"}
    assert "round 2 of 2" in " ".join(told[0])
    json.dumps(results)


def test_some_measures(fake_log: Path, told: Told) -> None:
    results = measured(plan("fake:factor=1", rounds=1, only=["semantic"]), told)
    figures = results["shapes"]["tiny"]["systems"]["fake 1"]["figures"]
    assert {"semantic_first", "semantic_token", "batch_2", "memory"} <= figures.keys()
    assert not {"codec", "coarse_first", "speech"} & figures.keys()


def test_who_fails_is_left_out(fake_log: Path, told: Told) -> None:
    results = measured(plan("fake:factor=-1", "fake:factor=3", rounds=1), told)
    broken, other = results["shapes"]["tiny"]["systems"].values()
    assert broken["missing"] == {"load": "ValueError: it can't be loaded"}
    assert not broken["figures"]
    assert other["missing"]["speech_voice"] == "RuntimeError: it broke"
    assert other["figures"]["speech"]["median"] == 6.0


def test_what_has_been_seen_is_told_at_once(fake_log: Path, told: Told) -> None:
    seen = compare(plan("fake:factor=1", rounds=1), told[1])
    first = next(seen)
    assert not first["finished"]
    assert "semantic_first" not in first["shapes"]["tiny"]["systems"]["fake 1"]["figures"]
    to_markdown(json.loads(json.dumps(first)))
    *_, last = seen
    assert last["finished"]
    assert "memory" in last["shapes"]["tiny"]["systems"]["fake 1"]["figures"]


def test_tables_have_ratios_and_reasons(fake_log: Path, told: Told) -> None:
    shown = to_markdown(measured(plan("fake:factor=2", "fake:factor=1", rounds=1), told))
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in shown.splitlines() if "|" in line}
    assert rows["semantic, first token, s"][:2] == ["1", "0.5 (2.00 ×)"]
    assert rows["speech, 2 at once: audio made in a second, s"][:2] == ["4", "8 (2.00 ×)"]
    assert "- fake 1: no fine: it has no fine stage" in shown
    assert "- fake 1: likeliest tokens as the first system's: semantic 100%, coarse 100%, fine 0%" in shown


def test_results_are_written_and_drawn_again(fake_log: Path, tmp_path: Path, capsys: Any) -> None:
    quick = ["--shapes", "tiny", "--rounds", "1", "--tokens", "4", "--seconds", "0.2", "--buffer", "0.001"]
    command.main(["compare", "--systems", "fake:factor=2", *quick, "--threads", "1", "--out", str(tmp_path / "out")])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.json", "compare.md", "compare.png"}
    shown = capsys.readouterr().out
    command.main(["plot", str(tmp_path / "out" / "compare.json"), "--out", str(tmp_path / "again")])
    assert capsys.readouterr().out == shown


def test_ours_is_measured(told: Told) -> None:
    results = measured(plan("ours:dtype=float32", rounds=1), told)
    (ours,) = results["shapes"]["tiny"]["systems"].values()
    assert not ours["missing"]
    assert {"import", "load", "memory", "speech_voice", "coarse_window", "batch_2"} <= set(ours["figures"])
    assert len(ours["check"]["semantic"]) == 8
