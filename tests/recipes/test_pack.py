"""`pack` keeps the stages' weights as the config says; `unpack` is the way back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bark.checkpoints.native import NativeCheckpoint, load_weights
from bark.checkpoints.registry import find_checkpoint
from bark.checkpoints.tensors import read_weights, save_tensors
from bark.errors import CheckpointError, OptionError
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.voices import Voice
from recipes.pup.pack import WEIGHTS, numbered, pack, unpack
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


def test_what_is_unpacked_packs_into_the_same(tmp_path: Path) -> None:
    pup = find_checkpoint("pup")
    unpack(pup, tmp_path)
    config = json.loads((tmp_path / "before" / "config.json").read_text(encoding="utf-8"))
    presets = {str(path.relative_to(pup / "voices").with_suffix("")): "nobody" for path in pup.glob("voices/*/*.npz")}
    pack({"model": config, "voices": {"presets": presets}, "pack": {"weights": "int8"}}, tmp_path)
    for path in [*pup.glob("*.safetensors"), *pup.glob("voices/*/*.npz"), pup / "tokenizer.json"]:
        assert (tmp_path / "checkpoint" / path.relative_to(pup)).read_bytes() == path.read_bytes(), path
    ours, theirs = (
        ModelConfig.from_dict(json.loads((f / "config.json").read_text())) for f in (pup, tmp_path / "checkpoint")
    )
    assert ours == theirs


def test_training_goes_on_from_what_is_unpacked(tmp_path: Path) -> None:
    unpack(find_checkpoint("pup"), tmp_path)
    model = GPT(NativeCheckpoint(find_checkpoint("pup")).config.semantic)
    load_weights(model, tmp_path / "before" / "semantic.safetensors")
    stored = read_weights(find_checkpoint("pup") / "semantic.safetensors")
    assert all(torch.equal(value, stored[name].float()) for name, value in model.state_dict().items() if name in stored)


def test_unpacking_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "runs" / "semantic").mkdir(parents=True)
    (tmp_path / "runs" / "semantic" / "semantic.safetensors").write_bytes(b"mine")
    unpack(find_checkpoint("pup"), tmp_path)
    assert (tmp_path / "runs" / "semantic" / "semantic.safetensors").read_bytes() == b"mine"
    assert (tmp_path / "runs" / "coarse" / "coarse.safetensors").exists()


def test_a_checkpoint_that_lacks_a_part_is_not_unpacked(tmp_path: Path) -> None:
    broken = shutil.copytree(find_checkpoint("pup"), tmp_path / "broken")
    (broken / "fine.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"broken has no fine\.safetensors"):
        unpack(broken, tmp_path / "work")
    assert not (tmp_path / "work").exists()
