"""Where a model is looked for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bark.checkpoints import registry
from bark.checkpoints.registry import (
    META_FILE,
    Place,
    bundled_models,
    find_checkpoint,
    find_codec,
    find_model,
    form_of,
)
from bark.errors import WeightsNotFoundError
from bark.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=tmp_path / "cache")


def test_a_path_is_that_folder(checkpoint: Path, settings: Settings) -> None:
    assert find_checkpoint(checkpoint, settings) == checkpoint
    assert find_checkpoint(str(checkpoint), settings) == checkpoint


def test_a_name_is_found_in_the_package(
    checkpoint: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "BUNDLED", checkpoint.parent)
    assert find_checkpoint("tiny", settings) == checkpoint
    assert bundled_models() == ["tiny"]


def test_a_name_is_found_in_the_cache(checkpoint: Path, settings: Settings) -> None:
    shutil.copytree(checkpoint, settings.models / "mine")
    assert find_checkpoint("mine", settings) == settings.models / "mine"


def test_a_name_is_found_here(checkpoint: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkpoint.parent)
    assert find_checkpoint("tiny", settings) == checkpoint


def test_the_places_searched_are_listed(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsNotFoundError) as caught:
        find_checkpoint("large", settings)
    text = str(caught.value)
    assert text.startswith("there is no model 'large': no config.json in ")
    for place in (registry.BUNDLED / "large", settings.models / "large", tmp_path / "large"):
        assert str(place) in text


def test_a_path_is_looked_for_nowhere_else(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError) as caught:
        find_checkpoint(tmp_path / "none", settings)
    assert str(settings.models) not in str(caught.value)
    with pytest.raises(WeightsNotFoundError, match="~nobody-of-that-name"):
        find_checkpoint("~nobody-of-that-name/model", settings)


@pytest.fixture
def caches(tmp_path: Path) -> Settings:
    return Settings(
        models=tmp_path / "models", suno=tmp_path / "suno", hub=tmp_path / "hub", torch_hub=tmp_path / "torch"
    )


def touch(path: Path, content: bytes = b"{}") -> Path:
    """A file with the folders that it is in; gives its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path.parent


def test_a_published_name_is_found_wherever_other_tools_put_it(caches: Settings) -> None:
    hub = touch(caches.hub / "models--suno--bark" / "snapshots" / "a" / "config.json")
    assert find_model("suno/bark", caches) == Place("suno/bark", hub, "large")
    suno = touch(caches.suno / "text_2.pt")
    assert find_model("suno/bark", caches) == Place("suno/bark", suno, "large")
    converted = touch(caches.models / "suno" / "bark" / "config.json")
    assert find_checkpoint("suno/bark", caches) == converted


def test_the_small_one_of_two(caches: Settings, tmp_path: Path) -> None:
    touch(caches.suno / "text_2.pt")
    small = replace(caches, small=True)
    with pytest.raises(WeightsNotFoundError, match=r"nor Suno's text\.pt; .*`bark models download suno/bark-small`"):
        find_model("suno/bark", small)
    touch(caches.suno / "text.pt")
    for place in (find_model("suno/bark", small), find_model("suno/bark-small", caches)):
        assert place == Place("suno/bark-small", caches.suno, "small")
    assert find_model(caches.suno, small).size == "small"
    with pytest.raises(WeightsNotFoundError, match=r"nor Suno's text\.pt"):
        find_model(touch(tmp_path / "large" / "text_2.pt"), small)


def test_a_copy_of_sunos_repository_has_two_forms(tmp_path: Path) -> None:
    folder = touch(tmp_path / "bark" / "config.json", b'{"model_type": "bark"}')
    assert form_of(folder) == form_of(folder, "small") == "huggingface"
    touch(folder / "text.pt")
    assert (form_of(folder), form_of(folder, "small")) == ("huggingface", "suno")


def test_a_codec_from_elsewhere(caches: Settings, tmp_path: Path) -> None:
    assert find_codec(tmp_path, caches) is None
    hub = touch(caches.hub / "models--facebook--encodec_24khz" / "snapshots" / "a" / "config.json")
    assert find_codec(tmp_path, caches) == hub
    torch_hub = touch(caches.torch_hub / META_FILE)
    assert find_codec(tmp_path, caches) == torch_hub / META_FILE
    touch(tmp_path / META_FILE)
    assert find_codec(tmp_path, caches) == tmp_path / META_FILE
