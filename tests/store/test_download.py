"""Models come from a hub, whole, once, and go on where they broke off."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from bark.errors import CheckpointError, OptionError, WeightsNotFoundError
from bark.pipeline import Bark
from bark.settings import Settings
from bark.store.download import download_model, wanted_files
from tests.store.conftest import REVISION, Hub

CHUNK = huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE


@pytest.fixture
def settings(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a cache of our own; the hub is our own, too."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return Settings(models=tmp_path / "models", hub=tmp_path / "hub")


def test_a_model_is_fetched_once_and_found_by_its_name(hub: Hub, settings: Settings, checkpoint: Path) -> None:
    folder = download_model("somebody/tiny", settings=settings, quiet=True)
    assert folder == settings.hub / "models--somebody--tiny" / "snapshots" / REVISION
    for name in ("config.json", "fine.safetensors", "tokenizer.json", "voices/v2/en_speaker_0.npz"):
        assert (folder / name).read_bytes() == (checkpoint / name).read_bytes()
    asked = len(hub.asked)
    assert download_model("somebody/tiny", settings=settings, quiet=True) == folder
    assert len(hub.asked) == asked
    hub.shutdown()
    said = Bark("somebody/tiny", device="cpu", settings=settings).generate("Hello", "v2/en_speaker_0", seed=1)
    assert said.duration > 0


def test_a_download_that_broke_off_goes_on(hub: Hub, settings: Settings, tmp_path: Path) -> None:
    hub.folder = Path(shutil.copytree(hub.folder, tmp_path / "served"))
    big = hub.folder / "semantic_tokenizer.safetensors"
    big.write_bytes(b"abcdefgh" * (CHUNK // 4))
    hub.break_at = CHUNK * 3 // 2
    try:
        folder = download_model("somebody/tiny", settings=settings, quiet=True)
    except WeightsNotFoundError as error:  # a library that doesn't try again by itself
        assert "what was fetched so far is kept" in str(error)
        folder = download_model("somebody/tiny", settings=settings, quiet=True)
    assert [span for name, span in hub.asked if name == big.name] == [None, f"bytes={CHUNK}-"]
    assert (folder / big.name).read_bytes() == big.read_bytes()


def test_what_is_not_there(settings: Settings) -> None:
    with pytest.raises(WeightsNotFoundError, match="there is no model somebody/nothing on http"):
        download_model("somebody/nothing", settings=settings, quiet=True)
    with pytest.raises(OptionError, match="'some/bo/dy' is not the name of a repository; say owner/name"):
        download_model("some/bo/dy", settings=settings, quiet=True)


def test_no_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # 23 s in all, between the tries of 🤗's client
    with pytest.raises(WeightsNotFoundError, match=r"can't reach http://127\.0\.0\.1:9 for somebody/tiny"):
        download_model("somebody/tiny", settings=settings, quiet=True)


def test_the_command(run: Callable[..., Any], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    done = run("models", "download", "somebody/tiny")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == f"{tmp_path / 'hub' / 'models--somebody--tiny' / 'snapshots' / REVISION}\n"
    assert b"%" in done.stderr  # a bar
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = run("models", "download", "somebody/else")
    assert done.returncode == 1
    assert done.stderr == b"bark: can't fetch somebody/else: HF_HUB_OFFLINE says to stay off the network\n"


def test_only_what_a_model_is_loaded_from_is_wanted() -> None:
    suno = ["README.md", "config.json", "pytorch_model.bin", "text.pt", "tokenizer.json", "speaker_embeddings/a.npy"]
    assert set(wanted_files(suno, "suno/bark")) == set(suno) - {"text.pt"}
    both = [*suno, "model.safetensors"]
    assert {"model.safetensors"} == set(wanted_files(both, "suno/bark")) - set(suno)
    assert "pytorch_model.bin" not in wanted_files(both, "suno/bark")
    with pytest.raises(CheckpointError, match=r"a/b is no Bark: it has no weights"):
        wanted_files(["config.json"], "a/b")
    with pytest.raises(CheckpointError, match=r"a/b is no Bark: it has no config\.json"):
        wanted_files(["model.safetensors"], "a/b")
