"""Models come from a hub, whole, once, and go on where they broke off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bark.errors import CheckpointError
from bark.store.download import wanted_files
from tests.store.conftest import REVISION, Hub

Run = Callable[..., Any]


@pytest.fixture
def fetch(run: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`bark models download …` from our own hub, into a cache of our own."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: run("models", "download", *arguments)


def test_a_model_is_fetched_and_then_found_by_its_name(
    fetch: Run, run: Run, hub: Hub, tmp_path: Path, checkpoint: Path
) -> None:
    done = fetch("somebody/tiny")
    assert done.returncode == 0, done.stderr.decode()
    folder = tmp_path / "hf" / "hub" / "models--somebody--tiny" / "snapshots" / REVISION
    assert done.stdout.decode().strip() == str(folder)
    for name in ("config.json", "fine.safetensors", "tokenizer.json", "voices/v2/en_speaker_0.npz"):
        assert (folder / name).read_bytes() == (checkpoint / name).read_bytes()
    assert b"%" in done.stderr  # a bar

    asked = len(hub.asked)
    again = fetch("somebody/tiny", "--quiet")
    assert (again.returncode, len(hub.asked), again.stderr) == (0, asked, b"")

    hub.shutdown()
    said = run("generate", "Hello", "--model", "somebody/tiny", "-o", "said.wav")
    assert said.returncode == 0, said.stderr.decode()
    assert (tmp_path / "said.wav").read_bytes()[:4] == b"RIFF"


def test_a_download_that_broke_off_goes_on(fetch: Run, hub: Hub) -> None:
    hub.break_at = 3000
    done = fetch("somebody/tiny", "-q")
    if done.returncode:
        done = fetch("somebody/tiny", "-q")
    assert done.returncode == 0, done.stderr.decode()
    assert any(span and not span.startswith("bytes=0-") for _, span in hub.asked)
    folder = Path(done.stdout.decode().strip())
    for path in hub.folder.glob("*.safetensors"):
        assert (folder / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("repository", "status", "sentence"),
    [
        ("somebody/nothing", 1, "there is no model somebody/nothing on http"),
        ("some/bo/dy", 2, "'some/bo/dy' is not the name of a repository; say owner/name"),
    ],
)
def test_what_is_not_there(fetch: Run, repository: str, status: int, sentence: str) -> None:
    done = fetch(repository)
    assert done.returncode == status
    assert sentence in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_without_a_network(fetch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = fetch("somebody/tiny")
    assert done.returncode == 1
    assert b"HF_HUB_OFFLINE says to stay off the network" in done.stderr
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = fetch("somebody/tiny")
    assert done.returncode == 1
    assert b"can't reach http://127.0.0.1:9 for somebody/tiny" in done.stderr


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
