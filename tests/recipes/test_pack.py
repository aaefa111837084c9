"""`pack` keeps the stages' weights as the config says."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.tensors import save_tensors
from bark.errors import OptionError
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.voices import Voice
from recipes.pup.pack import WEIGHTS, numbered, pack
from tests.training.tones import MODEL


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"model": {**MODEL, "alignment_heads": []}, "voices": {"presets": {}}}


@pytest.fixture
def trained(tmp_path: Path, checkpoint: Path) -> Path:
    """A work folder with the weights of every run, and a tokenizer."""
    config = NativeCheckpoint(checkpoint).config
    states = {"semantic": GPT(config.semantic), "coarse": GPT(config.coarse), "fine": FineGPT(config.fine)}
    for run, name in WEIGHTS.items():
        weights = states[name].state_dict() if name in states else {"w": torch.ones(3, 4)}
        save_tensors(weights, tmp_path / "runs" / run / f"{name}.safetensors")
    (tmp_path / "tokens").mkdir()
    shutil.copyfile(checkpoint / "tokenizer.json", tmp_path / "tokens" / "tokenizer.json")
    return tmp_path


def stored(work: Path, name: str) -> set[torch.dtype]:
    return {tensor.dtype for tensor in load_file(work / "checkpoint" / f"{name}.safetensors").values()}


def test_in_16_bits(trained: Path, settings: dict[str, Any]) -> None:
    pack(settings, trained)
    assert all(stored(trained, name) == {torch.float16} for name in WEIGHTS.values())


def test_in_a_byte_each(trained: Path, settings: dict[str, Any]) -> None:
    pack({**settings, "pack": {"weights": "int8"}}, trained)
    for name in ("semantic", "coarse", "fine"):
        assert stored(trained, name) == {torch.int8, torch.bfloat16, torch.float16}
    assert stored(trained, "codec") == stored(trained, "semantic_tokenizer") == {torch.float16}
    pack(settings, trained)
    assert stored(trained, "semantic") == {torch.float16}


def test_in_what_it_can_not(trained: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"\[pack\] weights is 'int4'; say float16 or int8"):
        pack({**settings, "pack": {"weights": "int4"}}, trained)


def test_presets_are_counted_in_each_language() -> None:
    presets = {"v2/en_speaker_0": "a", "v2/de_speaker_0": "b", "v2/en_speaker_1": "c"}
    assert [number for *_, number in numbered(presets)] == [0, 0, 1]


def test_a_preset_may_read_in_the_manner_of_one_before_it(
    trained: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(name: str, speaker: str, number: int) -> Voice:
        return Voice(name, np.full(5, number), np.zeros((2, 5), np.int64), np.zeros((8, 5), np.int64))

    monkeypatch.setattr("recipes.pup.pack.Presets", lambda *_: SimpleNamespace(make=make))
    monkeypatch.setattr("recipes.pup.pack.Bark", lambda *_, **__: None)
    first, second = "v2/en_speaker_0", "v2/en_speaker_1"
    pack({**settings, "voices": {"presets": {first: "a", second: "b"}, "manners": {second: first}}}, trained)
    voices = [Voice.from_npz(trained / "checkpoint" / "voices" / f"{name}.npz") for name in (first, second)]
    assert voices[0].manner is None
    assert [voice.reading.tolist() for voice in voices] == [[0] * 5, [0] * 5]
    assert voices[1].semantic.tolist() == [1] * 5
