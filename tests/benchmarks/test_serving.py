"""The server under load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.serve.cases import Case
from benchmarks.serve.report import serving_markdown
from benchmarks.serve.run import ServePlan, measure_serving

Told = tuple[list[str], Any]
CLIENTS = {
    "clients": 1, "audio_rate": 1.25, "whole": 9, "equal": 8, "wrong": 0, "cut": 0, "statuses": {"200": 9},
    "first": {"p50": 0.5, "p95": 0.75}, "total": {"p50": 2.0, "p95": 3.0}, "memory": {"peak": 900 << 20},
}  # fmt: skip
OVERLOAD = {
    **CLIENTS, "possible": 0.5, "pace": 2.0, "seconds": 600.0, "asked": 1200, "statuses": {"200": 300, "429": 900},
    "memory": {"before": 1 << 20, "first_tenth": 2 << 20, "last_tenth": 3 << 20, "peak": 4 << 20}, "faults": ["oh"],
}  # fmt: skip
HELD = {"processes": 4, "threads": 30, "files": 50, "memory": 1 << 30, "left": 0}
HANGUP = {
    "clients": 200, "left_half_way": 199, "seconds_until_free": 0.1, "jobs": 0.0, "rows": 0.0, "before": HELD,
    "after": {**HELD, "threads": 31}, "answers_after": True, "faults": [],
}  # fmt: skip
TERM = {
    "clients": 24, "begun": 6, "finished": 6, "cut": 0, "wrong": 0, "statuses": {"0": 2, "200": 6, "503": 16},
    "seconds_until_the_end": 3.21, "exit_code": 0, "faults": [],
}  # fmt: skip
ABOUT = {
    "command": "serve", "when": "2030-01-02T03:04:05Z", "machine": {"processor": "a CPU", "cores": 2}, "flags": [],
    "texts": ["a"], "load_average": {"before": [], "after": []},
}  # fmt: skip


def test_tables() -> None:
    more = {**CLIENTS, "clients": 16, "audio_rate": 3.0, "statuses": {"200": 9, "429": 4}, "first": {}, "total": {}}
    runs = {
        "rates": {"clients": [CLIENTS, more], "faults": []}, "overload": OVERLOAD, "hangup": HANGUP, "term": TERM,
        "term-group": TERM,
    }  # fmt: skip
    results = {"runs": {mode: {**ABOUT, **run} for mode, run in runs.items()}}
    shown = serving_markdown(json.loads(json.dumps(results)))
    assert "| 1 | 1.25 | 1.00 × | 0.50 | 0.75 | 2.00 | 3.00 | 9 | 8 | 0 | 0 | 900 |" in shown
    assert "| 16 | 3.00 | 2.40 × | – | – | – | – | 9 | 8 | 0 | 4 | 900 |" in shown
    assert "| answered by 429 | 900 |" in shown
    assert "| at most in the last tenth | 3 |" in shown
    assert "- the server said: oh" in shown
    assert shown.count("- `serve`: 2030-01-02; a CPU, 2 cores") == 4  # once for both ends
    assert "| threads | 30 | 31 |" in shown
    assert "| SIGTERM to the server | 24 | 6 | 6 | 0 | 0 | 16 | 2 | 3.2 | 0 |" in shown


def test_what_an_answer_must_be() -> None:
    case = Case("a", "b", 1, np.array([0, 5, -7], "<i2").tobytes())
    assert case.differs(np.array([0, 5, -7], "<i2").tobytes()) == 0
    assert case.differs(np.array([0, 4, -7], "<i2").tobytes()) == 1
    assert case.differs(np.array([0, 5, 9], "<i2").tobytes()) == 16
    assert case.differs(np.array([0, 5], "<i2").tobytes()) == 1 << 16


@pytest.mark.slow
def test_a_server_is_measured(checkpoint: Path, told: Told) -> None:
    texts = ("Hello.", "The boat left. It is dawn.", "Hello there. I like pizza. " * 6)
    plan = ServePlan(
        ("rates", "hangup", "term", "term-group", "overload"), (1, 3), 1.0, 2.0, 30.0, 20, str(checkpoint),
        ("--workers", "1", "--slots", "2", "--max-queue", "4", "--threads", "1"), texts, ("v2/en_speaker_0",),
    )  # fmt: skip
    results = measure_serving(plan, told[1])
    runs = results["runs"]
    for run in (*runs["rates"]["clients"], runs["overload"]):
        assert run["whole"] == run["equal"] > 0
        assert (run["wrong"], run["cut"]) == (0, 0)
    assert runs["overload"]["statuses"].get("429", 0) > 0
    hangup = runs["hangup"]
    assert hangup["left_half_way"] > 0
    assert (hangup["jobs"], hangup["rows"], hangup["after"]["left"], hangup["answers_after"]) == (0, 0, 0, True)
    for mode in ("term", "term-group"):
        assert runs[mode]["begun"] == runs[mode]["finished"]
        assert runs[mode]["cut"] == 0
        assert runs[mode]["exit_code"] in (0, -15)
    assert all(run["faults"] == [] for run in runs.values())
    assert "wrong" in serving_markdown(json.loads(json.dumps(results)))
