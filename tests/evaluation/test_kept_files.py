from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bark.audio.writer import write_audio
from bark.errors import AudioError
from bark.evaluation import memory
from bark.evaluation.files import read_audio, resample, write_json
from bark.evaluation.judging import Clip
from bark.evaluation.spectrograms import FLOOR, HOP, WINDOW, draw, spectrogram
from tests.evaluation.fakes import RATE, tone


def test_audio_comes_back(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", tone(440.0), RATE)
    audio, sample_rate = read_audio(tmp_path / "a.wav")
    assert (sample_rate, audio.dtype) == (RATE, np.float32)
    np.testing.assert_allclose(audio, tone(440.0), atol=1e-4)


def test_no_audio(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"can't read .*none\.wav"):
        read_audio(tmp_path / "none.wav")


def test_json_is_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": "é"})
    assert "é" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"text": "é"}


def test_resample() -> None:
    pytest.importorskip("soxr")
    audio = tone(440.0)
    assert resample(audio, RATE, RATE) is audio
    assert resample(audio, RATE, 16_000).shape == (8000,)


def test_peak_memory_is_of_this_process_alone() -> None:
    ballast = np.ones(30_000_000)  # 240 MB
    code = "from bark.evaluation.memory import peak_memory; print(peak_memory())"
    child = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    if memory.STATUS.exists():
        assert 5_000_000 < child < ballast.nbytes < memory.peak_memory()


def test_a_tone_is_a_line_in_the_spectrogram() -> None:
    levels = spectrogram(Clip(tone(3000.0), "tone"))
    assert levels.shape == (WINDOW // 2 + 1, 12_000 // HOP + 1)
    assert levels.max() == pytest.approx(0.0, abs=1e-6)
    assert (levels[:, 20].argmax()) == 3000 * WINDOW // RATE
    assert spectrogram(Clip(np.zeros(0, np.float32), "")).max() <= FLOOR


def test_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    clips = [Clip(tone(440.0), f"It costs $5 and {i} cents", "low") for i in range(2)]
    files = draw({"model": clips, "teacher": clips}, tmp_path / "new", count=1)
    assert [file.name for file in files] == ["00.png"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
