from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
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


class Model:
    """A WhisperModel whose words are the length of what it hears."""

    def __init__(self, *_: object, **__: object) -> None:
        self.model, self.hf_tokenizer = self, None
        self.shapes: list[tuple[int, ...]] = []

    def feature_extractor(self, audio: np.ndarray) -> np.ndarray:
        return np.full((80, len(audio) // 160 + 1), np.flatnonzero(audio)[-1] + 1)

    def get_prompt(self, tokenizer: object, before: list[int], without_timestamps: bool) -> list[int]:
        return [50258, *before]

    def generate(self, features: np.ndarray, prompts: list[list[int]], **_: object) -> list[SimpleNamespace]:
        self.shapes.append(features.shape)
        assert len(prompts) == len(features)
        return [SimpleNamespace(sequences_ids=[[int(row[0, 0]) // 160, Tokenizer.eot]]) for row in features]


class Tokenizer:
    eot = 50257

    def __init__(self, *_: object, **__: object) -> None: ...

    def decode(self, tokens: list[int]) -> str:
        return " " + " ".join(map(str, tokens))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Model:
    """What `Transcriber` listens with, instead of Whisper."""
    fake = Model()
    package = SimpleNamespace(
        WhisperModel=lambda *_, **__: fake, Tokenizer=Tokenizer, StorageView=SimpleNamespace(from_array=np.asarray)
    )
    monkeypatch.setattr(whisper, "require", lambda _: package)
    monkeypatch.setattr(whisper, "model_folder", lambda _: tmp_path)
    return fake


def test_another_language_by_the_same_model(model: Model) -> None:
    german = whisper.Transcriber("de")
    hindi = german.hearing("hi")
    assert (german._language, german._prompt) == ("de", None)
    assert (hindi._language, hindi._prompt) == ("hi", whisper.PROMPTS["hi"])
    assert hindi._model is german._model
    assert hindi.hearing("fr")._prompt is None


class TestGlances:
    def test_several_at_once(self, model: Model) -> None:
        heard = whisper.Transcriber("de").glances([np.ones(16_000, np.float32), np.ones(8_000, np.float32)], 16_000)
        assert heard == ["100", "50"]
        assert model.shapes == [(2, 80, 400)]  # one second and three of silence, of 10 ms each

    def test_no_more_than_whisper_can_hear(self, model: Model) -> None:
        assert whisper.Transcriber("de").glances([np.ones(29 * 16_000, np.float32)], 16_000) == ["2900"]
        assert whisper.Transcriber("de").glances([np.ones(31 * 16_000, np.float32)], 16_000) == ["3000"]
        assert model.shapes == [(1, 80, 3000)] * 2
