"""The original's flags, without a subcommand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from bark import generation
from bark.cli import cli
from bark.voices import Voice

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    yield
    generation.clean_models()
    vars(generation).pop("MODEL", None)


def test_all_flags(call: Call, tmp_path: Path) -> None:
    torch.manual_seed(3)
    outcome = call(
        *("--text", "Hello there", "--output_filename", "said.wav", "--output_dir", "new/folder"),
        *("--history_prompt", "v2/en_speaker_1", "--text_temp", "0.6", "--waveform_temp", "0.5"),
        *("--silent", "True", "--output_full", "True"),
    )
    folder = Path("new/folder")
    assert outcome == (0, f"the audio is in {folder / 'said.wav'}, its tokens in {folder / 'said.npz'}\n".encode(), "")
    audio, rate = soundfile.read(tmp_path / folder / "said.wav")
    voice = Voice.from_npz(tmp_path / folder / "said.npz")
    assert (rate, len(audio)) == (24_000, 480 * voice.fine.shape[1])


def test_false_is_false(call: Call, tmp_path: Path) -> None:
    outcome = call("--text=Hello", "--output_full", "False", "--silent=no")
    assert (outcome.status, outcome.err) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["bark_generation.wav"]


def test_a_model_may_be_named(call: Call, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BARK_MODEL", "./nowhere")
    assert call("--text", "Hello").status == 1
    assert call("--model", str(checkpoint), "--text", "Hello", "--output-filename", "a.wav").status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--output_filename", "a.wav"], 2, "give the text with --text"),
        (["--text", "Hello", "--silent", "maybe"], 2, "--silent must be true or false, not 'maybe'"),
        (["--text", "Hello", "--text_temp", "-1"], 2, "temperature must be a number at least 0"),
        (["--text", "Hello", "--text_temp", "warm"], 2, "Invalid value for '--text-temp'"),
        (["--text", "Hello", "--loud"], 2, "No such option: --loud"),
        (["--text", "Hello", "--history_prompt", "nobody"], 1, "there is no voice 'nobody'"),
        (["--text", "Hello", "--output_filename", "a.wma"], 1, "no audio format is called .wma"),
        (["--text", " "], 1, "there is no text to speak"),
    ],
)
def test_mistakes(call: Call, arguments: list[str], status: int, sentence: str) -> None:
    outcome = call(*arguments)
    assert (outcome.status, outcome.out) == (status, b"")
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


def test_the_entry_has_its_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bark", "--version"])
    with pytest.raises(SystemExit) as caught:
        cli()
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("bark ")
