from __future__ import annotations

from pathlib import Path

import pytest

from bark.errors import OutputError
from bark.evaluation import whisper


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model's two packages, of a few bytes."""
    for number, part in enumerate(whisper.PARTS, 1):
        (tmp_path / part).mkdir()
        (tmp_path / part / f"model.bin.part{number}").write_bytes(b"%d" % number)
    for name in whisper.SMALL_FILES:
        (tmp_path / whisper.PARTS[0] / name).write_text(name)
    monkeypatch.setattr(whisper, "data_folder", lambda package: tmp_path / package)
    return tmp_path


def test_the_parts_are_joined_once(packages: Path, tmp_path: Path) -> None:
    folder = whisper.model_folder(tmp_path / "cache" / "model")
    assert (folder / "model.bin").read_bytes() == b"12"
    assert sorted(path.name for path in folder.iterdir()) == sorted(("model.bin", *whisper.SMALL_FILES))
    (packages / whisper.PARTS[1] / "model.bin.part2").unlink()
    assert whisper.model_folder(folder) == folder


def test_the_cache_is_where_the_environment_says(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert whisper.model_folder() == tmp_path / "elsewhere" / "bark" / "judges" / "whisper-base"


def test_the_cache_can_not_be_written(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't make the folder"):
        whisper.model_folder(tmp_path / "file" / "model")
