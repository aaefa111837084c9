"""What the environment says, and when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({"BARK_MODEL": "", "BARK_DEVICE": ""})
    assert (settings.model, settings.device) == ("pup", None)


def test_the_environment_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", "large")
    monkeypatch.setenv("BARK_DEVICE", "cuda:1")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert Settings.from_env() == Settings("large", "cuda:1", Path("/cache/bark/models"))


def test_the_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Settings.from_env().models == Path("/somebody/.cache/bark/models")
