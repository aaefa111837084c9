"""`bark models`: what it prints, and its exit status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "SUNO_USE_SMALL_MODELS"):
        monkeypatch.delenv(name, raising=False)


def test_from_conversion_to_path(call: Call, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "bark" / "models" / "mine"
    assert call("models", "convert", str(checkpoint), str(folder)) == (0, f"{folder}\n".encode(), "")
    assert call("models", "path", "mine") == (0, f"{folder}\n".encode(), "")
    assert call("models", "path") == (0, f"{checkpoint}\n".encode(), "")
    listed = call("models", "list")
    [line] = [line.split() for line in listed.out.decode().splitlines() if line.startswith("mine ")]
    assert (line[:2], line[-1]) == (["mine", "native"], str(folder))
    assert call("models", "verify", "mine") == (0, f"{folder} is whole\n".encode(), "")
    (folder / "fine.safetensors").unlink()
    (folder / "codec.safetensors").unlink()
    verified = call("models", "verify", "mine")
    assert verified.status == 1
    assert verified.out.count(b"is missing from the checkpoint\n") == 2
    assert verified.err == f"bark: {folder} has 2 faults\n"


def test_in_a_byte_a_weight(call: Call, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    assert call("models", "convert", str(checkpoint), str(folder), "--quantize", "int8").status == 0
    assert call("models", "verify", str(folder)) == (0, f"{folder} is whole\n".encode(), "")
    assert call("doctor", "--model", str(folder)).status == 0
    assert (folder / "coarse.safetensors").stat().st_size < (checkpoint / "coarse.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["path", "nobody/nothing"], "`bark models download nobody/nothing` fetches it"),
        (["verify", "./nowhere"], "no config.json in"),
        (["convert", "./nowhere", "new"], "no config.json in"),
        (["path", "suno/bark", "--small"], "nor Suno's text.pt"),
    ],
)
def test_what_is_not_there(call: Call, arguments: list[str], sentence: str) -> None:
    outcome = call("models", *arguments)
    assert (outcome.status, outcome.out) == (1, b"")
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
