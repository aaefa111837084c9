"""Models on this machine: listed, checked, converted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bark.errors import CheckpointError, OptionError, OutputError, VoiceError, WeightsNotFoundError
from bark.pipeline import Bark
from bark.settings import Settings
from bark.store.convert import convert_model
from bark.store.listing import list_models
from bark.store.verify import find_faults


def test_a_whole_model_has_no_faults(checkpoint: Path) -> None:
    assert find_faults(checkpoint) == []


def test_every_fault_is_found(own_checkpoint: Path) -> None:
    weights = load_file(own_checkpoint / "coarse.safetensors")
    weights["wte.weight"][3, 2] = torch.nan
    save_file(weights, own_checkpoint / "coarse.safetensors")
    (own_checkpoint / "fine.safetensors").write_bytes(b"cut")
    (own_checkpoint / "codec.safetensors").unlink()
    (own_checkpoint / "tokenizer.json").unlink()
    np.savez(own_checkpoint / "voices" / "odd.npz", semantic_prompt=np.arange(3))
    faults = find_faults(own_checkpoint)
    for fault, sentence in zip(
        faults,
        (
            "coarse.safetensors: wte.weight holds values that are not finite",
            "fine.safetensors is not a whole safetensors file",
            "codec.safetensors is missing",
            "there is no tokenizer.json",
            "odd.npz",
        ),
        strict=True,
    ):
        assert sentence in fault.replace(f"{own_checkpoint}/", "")


def test_a_config_that_is_none(own_checkpoint: Path) -> None:
    (own_checkpoint / "config.json").write_text("{")
    assert ["is not valid JSON" in fault for fault in find_faults(own_checkpoint)] == [True]
    with pytest.raises(WeightsNotFoundError):
        find_faults(own_checkpoint / "none")


def test_shapes_that_do_not_fit(own_checkpoint: Path) -> None:
    config = json.loads((own_checkpoint / "config.json").read_text())
    config["coarse"]["n_embd"] = 64
    (own_checkpoint / "config.json").write_text(json.dumps(config))
    [fault] = find_faults(own_checkpoint)
    assert "coarse.safetensors: wte.weight has the shape [99, 32], but its settings ask for [99, 64]" in fault


def test_a_converted_model_says_the_same(checkpoint: Path, bark: Bark, tmp_path: Path) -> None:
    folder = convert_model(checkpoint, tmp_path / "new" / "tiny")
    assert find_faults(folder) == []
    assert {path.name for path in folder.iterdir()} >= {"config.json", "tokenizer.json", "fine.safetensors"}
    said = [model.generate("Hello", "v2/en_speaker_0", seed=1) for model in (bark, Bark(folder, device="cpu"))]
    np.testing.assert_array_equal(said[0].tokens.fine, said[1].tokens.fine)
    np.testing.assert_allclose(said[0].audio, said[1].audio, atol=1e-6)  # sums of floats depend on where they lie
    for part in ("semantic", "coarse", "fine", "codec"):
        old, new = load_file(checkpoint / f"{part}.safetensors"), load_file(folder / f"{part}.safetensors")
        assert all(torch.equal(old[name].float(), new[name].float()) for name in old)
        assert set(old) == set(new)
        assert part == "codec" or all(new[name].dtype == old[name].dtype for name in old)


def test_a_converted_model_may_be_smaller(checkpoint: Path, tmp_path: Path) -> None:
    folder = convert_model(checkpoint, tmp_path / "tiny", "bfloat16")
    assert {tensor.dtype for tensor in load_file(folder / "coarse.safetensors").values()} == {torch.bfloat16}
    assert find_faults(folder) == []


def test_a_converted_model_may_take_a_byte_a_weight(checkpoint: Path, tmp_path: Path) -> None:
    folder = convert_model(checkpoint, tmp_path / "tiny", quantize="int8")
    dtypes = {name: tensor.dtype for name, tensor in load_file(folder / "fine.safetensors").items()}
    assert (dtypes["wtes.1.weight"], dtypes["wtes.1.weight.scales"]) == (torch.int8, torch.bfloat16)
    assert dtypes["ln_f.weight"] == torch.float16
    assert torch.int8 not in {tensor.dtype for tensor in load_file(folder / "codec.safetensors").values()}
    assert find_faults(folder) == []
    again = convert_model(folder, tmp_path / "again")
    for part in ("semantic", "coarse", "fine"):
        one, other = (load_file(place / f"{part}.safetensors") for place in (folder, again))
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert set(one) == set(other)
    wide = load_file(convert_model(folder, tmp_path / "wide", "float16") / "coarse.safetensors")
    assert {tensor.dtype for tensor in wide.values()} == {torch.float16}


def test_what_is_not_converted(checkpoint: Path, own_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is a model in"):
        convert_model(checkpoint, own_checkpoint)
    with pytest.raises(OptionError, match="'int8' is not a precision"):
        convert_model(checkpoint, tmp_path / "new", "int8")
    with pytest.raises(OptionError, match="'int4' is not a way to quantise what is written; say int8"):
        convert_model(checkpoint, tmp_path / "new", quantize="int4")
    with pytest.raises(OptionError, match="takes the place of the dtype float16; give one of them"):
        convert_model(checkpoint, tmp_path / "new", "float16", quantize="int8")
    (own_checkpoint / "fine.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        convert_model(own_checkpoint, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(CheckpointError, match="is missing"):
        convert_model(own_checkpoint, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "kept"
    assert not (tmp_path / "mine" / "config.json").exists()
    np.savez(own_checkpoint / "voices" / "odd.npz", semantic_prompt=np.arange(3))
    with pytest.raises(VoiceError):
        convert_model(own_checkpoint, tmp_path / "new")


def test_models_are_listed(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(models=tmp_path / "models", suno=tmp_path / "suno", hub=tmp_path / "hub")
    monkeypatch.setattr("bark.store.listing.BUNDLED", tmp_path / "none")
    monkeypatch.setattr("bark.store.listing.bundled_models", list)
    assert list_models(settings) == []
    shutil.copytree(checkpoint, settings.models / "mine")
    shutil.copytree(checkpoint, settings.models / "somebody" / "theirs")
    settings.suno.mkdir()
    (settings.suno / "text.pt").write_bytes(b"12345")
    for name, values in (("suno--bark", {"model_type": "bark"}), ("other--bert", {"model_type": "bert"})):
        folder = settings.hub / f"models--{name}" / "snapshots" / "a"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(values))
    (settings.models / "mine" / "config.json").write_text("{")
    listed = list_models(settings)
    assert [(model.name, model.form) for model in listed] == [
        ("mine", "broken"),
        ("somebody/theirs", "native"),
        ("suno/bark-small", "suno"),
        ("suno/bark", "huggingface"),
    ]
    assert listed[2].size == 5
    assert listed[2].folder == settings.suno
