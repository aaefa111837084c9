from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bark.cli.evaluate import read_mapping, read_sentences
from bark.cli.main import main
from bark.errors import OptionError, TextError
from bark.evaluation.judging import Panel
from tests.evaluation.fakes import FakeMos, FakeSpeaker


def call(*arguments: str | Path) -> int:
    """Runs the command in this process and gives its exit status."""
    before = sys.argv
    sys.argv = ["bark", "evaluate", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as caught:
            main()
    finally:
        sys.argv = before
    return int(caught.value.code or 0)


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.txt"
    path.write_text("Hello there.\n\nGood night.\nHow are you?\n", encoding="utf-8")
    return path


@pytest.fixture
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges that need no packages."""

    def load(judges: Sequence[str], language: str, threads: int) -> Panel:
        return Panel(None, FakeSpeaker(), FakeMos())

    monkeypatch.setattr(Panel, "load", load)


@pytest.mark.usefixtures("_fakes")
def test_a_model_is_evaluated(
    checkpoint: Path, sentences: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--sentences", sentences, "--model", checkpoint, "--limit", "2", "--audio-dir", tmp_path / "audio")
    assert call(*given, "--device", "cpu", "--json", tmp_path / "r.json", "--markdown", tmp_path / "r.md") == 0
    out = capsys.readouterr().out
    assert checkpoint.name in out
    assert "4.50" in out
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["about"]["sentences"] == 2
    (system,) = report["systems"]
    assert sorted(system["voices"]) == ["v2/en_speaker_0", "v2/en_speaker_1"]
    assert system["figures"]["speed"] > 0
    assert system["peak_memory"] > 10_000_000
    assert "| 4.50 |" in (tmp_path / "r.md").read_text(encoding="utf-8")
    assert len(list((tmp_path / "audio").rglob("*.wav"))) == 4


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--only-teacher"], 2, "--only-teacher wants a --teacher"),
        (["--json", "no/such/folder.json"], 1, "can't write no/such/folder.json"),
        (["--model", "no-such"], 1, "there is no model 'no-such'"),
        (["--judges", "pitch", "--voices", "x"], 2, "no judge 'pitch'"),
        (["--teacher", "kokoro", "--teacher-voice", "x"], 2, "takes a pair like v2/en_speaker_0=af_heart, not 'x'"),
        (["--teacher", "parrot", "--judges", "", "--voices", "x"], 2, "no judge ''"),
    ],
)
def test_mistakes(
    arguments: list[str], status: int, said: str, sentences: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--sentences", sentences, *arguments) == status
    assert said in capsys.readouterr().err


def test_a_missing_extra_is_named(
    sentences: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    assert call("--sentences", sentences, "--voices", "x") == 1
    assert "needs the package faster_whisper" in (said := capsys.readouterr().err)
    assert "pip install 'openbark[eval]'" in said


def test_sentences_are_checked(tmp_path: Path, sentences: Path) -> None:
    assert read_sentences(sentences) == ["Hello there.", "Good night.", "How are you?"]
    assert read_sentences(sentences, 1) == ["Hello there."]
    with pytest.raises(TextError, match=r"can't read .*none\.txt: No such file"):
        read_sentences(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(TextError, match="not UTF-8: byte 3 is 0xE9"):
        read_sentences(tmp_path / "latin.txt")
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(TextError, match="has no sentences"):
        read_sentences(tmp_path / "empty.txt")


def test_mapping() -> None:
    assert read_mapping(["v2/en_speaker_0=af_heart", "b=c=d"]) == {"v2/en_speaker_0": "af_heart", "b": "c=d"}
    with pytest.raises(OptionError):
        read_mapping(["=x"])
