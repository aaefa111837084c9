"""Sentences, loading, and what runs on a machine that is lent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import device
from benchmarks.environments import ROOT
from benchmarks.load import LoadPlan, load_markdown, measure_loads
from benchmarks.speech import Speaker, compare_speech, speakers, speech_markdown

Told = tuple[list[str], Any]


def test_those_are_asked_whose_files_are_there(tmp_path: Path) -> None:
    names = [speaker.kind for speaker in speakers(None, None, None, None)]
    assert set(names) == {"bark", "hibari", "piper"}
    found = {
        speaker.kind: speaker for speaker in speakers("pup", "v2/en_speaker_0", tmp_path / "k.tgz", tmp_path / "p.onnx")
    }
    assert found["kokoro"].options == {"voices": str(tmp_path / "k.tgz")}
    assert found["piper"].options == {"model": str(tmp_path / "p.onnx")}


def test_sentences_are_spoken(checkpoint: Path, told: Told) -> None:
    asked = [
        Speaker("ours", "bark", "v2/en_speaker_0", options={"model": str(checkpoint), "device": "cpu"}),
        Speaker("Kokoro", "kokoro", "af_heart"),
    ]
    results = compare_speech(asked, ["Hello, my name is Suno.", "The boat left."], told[1])
    said = results["speakers"]["ours"]
    assert len(said["seconds"]) == len(said["durations"]) == 2
    shown = speech_markdown(json.loads(json.dumps(results)))
    assert "| ours | 1 |" in shown
    assert "- Kokoro: OptionError: Kokoro needs its voices" in shown


def test_a_table_of_loads() -> None:
    row = {"form": "suno", "options": {"dtype": "float32"}, "source": "disk", "seconds": 1.5, "weights": 4.0}
    row |= {"before": 0.5, "loaded": 4.9, "spoken": 5.3, "speech": 20.0}
    failed = {"form": "suno", "options": {"quantize": "int8"}, "source": "disk", "missing": "it failed\nfor a reason"}
    machine = {"processor": "a CPU", "cores": 2, "memory": 8 * 2**30}
    results = {"command": "load", "when": "now", "machine": machine, "load_average": {"before": [], "after": []}}
    shown = load_markdown({**results, "shape": "large", "tokens": 20, "rows": [row, failed]})
    assert "| suno | float32 | disk | 1.5 | 4 | 4.4 | 1.10 × | 4.8 | 1.20 × | 20 |" in shown
    assert "| suno | int8 | disk | it failed | – |" in shown


@pytest.mark.slow
def test_loads_are_measured(told: Told, tmp_path: Path) -> None:
    plan = LoadPlan("tiny", ("suno", "native"), ({"dtype": "float32"},), tokens=4, work=tmp_path)
    rows = measure_loads(plan, told[1])["rows"]
    assert [(row["form"], row["source"]) for row in rows] == [
        ("suno", "disk"), ("suno", "memory"), ("native", "disk"), ("native", "memory")]  # fmt: skip
    assert all(row["loaded"] >= row["before"] > 0 and row["weights"] > 0 for row in rows)
    assert not list(tmp_path.iterdir())


def test_parity_of_a_device_with_itself(tmp_path: Path) -> None:
    assert device.parity(Namespace(device="cpu", out=tmp_path)) == 0
    found = json.loads((tmp_path / "parity.json").read_text())
    for model in found.values():
        assert model["with a voice"] == model["alone"] == {"semantic": 1.0, "coarse": 1.0, "fine": 1.0}
        assert model["logits apart"] == {"semantic": 0.0, "coarse": 0.0}


def test_steps_end_with_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "LEAST", 0.0)
    monkeypatch.setattr(device, "STEPS", {})
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(device, "_compare_command", lambda asked, shape: sleeper)
    assert device.main(["--out", str(tmp_path), "--seconds", "0.2", "--shapes", "small", "large"]) == 1
    steps = json.loads((tmp_path / "steps.json").read_text())
    assert steps == {"small": "cut off: no time", "large": "left out: no time"}


@pytest.mark.slow
def test_the_dry_run(tmp_path: Path) -> None:
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    script = ROOT / "benchmarks" / "device.sh"
    command = ["bash", str(script), "--dry-run", "--seconds", "1500"]
    subprocess.run(command, env=environment, check=True, timeout=1600)
    steps = json.loads((tmp_path / "steps.json").read_text())
    assert steps == dict.fromkeys(("machine", "parity", "companions", "tests", "decoding", "speed", "tiny"), "done")
    assert (tmp_path / "tiny" / "compare.json").exists()
    decoding = json.loads((tmp_path / "decoding.json").read_text())["tiny"]
    assert [(row["stage"], row["rows"]) for row in decoding[::2]] == [
        ("semantic", 1), ("semantic", 3), ("coarse", 1), ("coarse", 3)]  # fmt: skip
