"""Where a model is looked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bark.checkpoints import registry
from bark.checkpoints.registry import bundled_models, find_checkpoint
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
