"""A 🤗 folder in each of its forms gives models that compute what 🤗's compute."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import bark.pipeline
from bark.checkpoints.encodec import read_encodec
from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.errors import CheckpointError
from bark.models.config import SUNO_SMALL, CoarseLayout
from tests.checkpoints.conftest import fill_vocabulary
from tests.checkpoints.twins import check_models

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture
def own_folder(hf_folder: Path, tmp_path: Path) -> Path:
    """A copy, to be broken."""
    return Path(shutil.copytree(hf_folder, tmp_path / "own"))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes a JSON file in place."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def write_bin(folder: Path) -> None:
    """PyTorch's form instead of safetensors."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")


def write_shards(folder: Path, form: str) -> None:
    """Three files and an index instead of one file."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    places = {name: f"{form}-0000{i % 3 + 1}-of-00003" for i, name in enumerate(tensors)}
    end = ".safetensors" if form == "model" else ".bin"
    for file in set(places.values()):
        part = {name: tensor for name, tensor in tensors.items() if places[name] == file}
        if form == "model":
            save_file(part, folder / f"{file}{end}")
        else:
            torch.save(part, folder / f"{file}{end}")
    index = {"metadata": {"total_size": 0}, "weight_map": {name: f"{file}{end}" for name, file in places.items()}}
    (folder / f"{form}{end}.index.json").write_text(json.dumps(index))


def test_the_folder_as_it_is_saved(hf_folder: Path, hf_bark: Any) -> None:
    check_models(HuggingFaceCheckpoint(hf_folder), hf_bark)


def test_pytorchs_form(own_folder: Path, hf_bark: Any) -> None:
    write_bin(own_folder)
    check_models(HuggingFaceCheckpoint(own_folder), hf_bark)


@pytest.mark.parametrize("form", ["model", "pytorch_model"])
def test_several_files(form: str, own_folder: Path, hf_bark: Any) -> None:
    write_shards(own_folder, form)
    check_models(HuggingFaceCheckpoint(own_folder), hf_bark)


def test_several_files_as_they_are_saved(tmp_path: Path, hf_bark: Any) -> None:
    hf_bark.save_pretrained(tmp_path / "many", max_shard_size="3MB")
    assert not (tmp_path / "many" / "model.safetensors").exists()
    check_models(HuggingFaceCheckpoint(tmp_path / "many"), hf_bark)


def test_weight_norm_as_older_torch_wrote_it(own_folder: Path, hf_bark: Any) -> None:
    tensors = load_file(own_folder / "model.safetensors")
    for old, new in (
        ("parametrizations.weight.original0", "weight_g"),
        ("parametrizations.weight.original1", "weight_v"),
    ):
        tensors = {name.replace(old, new): tensor for name, tensor in tensors.items()}
    assert any(name.endswith("weight_g") for name in tensors)
    save_file(tensors, own_folder / "model.safetensors")
    check_models(HuggingFaceCheckpoint(own_folder), hf_bark)


def test_either_name_of_a_tied_weight(own_folder: Path, hf_bark: Any) -> None:
    tensors = load_file(own_folder / "model.safetensors")
    for i in range(7):
        head, embedding = f"fine_acoustics.lm_heads.{i}.weight", f"fine_acoustics.input_embeds_layers.{i + 1}.weight"
        weight = tensors.pop(head, None)
        weight = tensors.pop(embedding, weight)
        tensors[head if i % 2 else embedding] = weight
        if i == 3:
            tensors[embedding] = weight.clone()  # both, and equal
    save_file(tensors, own_folder / "model.safetensors")
    check_models(HuggingFaceCheckpoint(own_folder), hf_bark)
    tensors["fine_acoustics.input_embeds_layers.4.weight"] += 1
    save_file(tensors, own_folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"lm_heads\.3\.weight and wtes\.4\.weight differ"):
        HuggingFaceCheckpoint(own_folder).fine()


def test_the_config_is_sunos(hf_folder: Path) -> None:
    config = HuggingFaceCheckpoint(hf_folder).config
    assert config.name == "bark-tiny"
    assert config.tokens == SUNO_SMALL.tokens
    assert config.semantic_layout == SUNO_SMALL.semantic_layout
    assert config.coarse_layout == SUNO_SMALL.coarse_layout
    assert config.fine_layout == SUNO_SMALL.fine_layout
    assert (config.fine.vocab, config.fine.n_codebooks, config.fine.n_given) == (1056, 8, 1)
    assert (config.codec["kind"], config.codec["n_codebooks"], config.codec["n_filters"]) == ("encodec", 8, 4)


def test_the_windows_are_those_of_the_generation_config(own_folder: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        values["coarse_acoustics_config"].update(sliding_window_len=30, max_coarse_history=300)

    edit(own_folder / "generation_config.json", change)
    assert HuggingFaceCheckpoint(own_folder).config.coarse_layout == CoarseLayout(max_history=300, stride=30)
    (own_folder / "generation_config.json").unlink()
    assert HuggingFaceCheckpoint(own_folder).config.coarse_layout == CoarseLayout()


def test_weights_stay_mapped_and_dtypes_are_as_asked(hf_folder: Path) -> None:
    checkpoint = HuggingFaceCheckpoint(hf_folder)
    half = checkpoint.coarse(dtype=torch.bfloat16)
    assert {value.dtype for value in half.state_dict().values()} == {torch.bfloat16}
    fine = checkpoint.fine()
    assert not fine.training
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in fine.parameters())
    assert all(head.weight is fine.wtes[i + 1].weight for i, head in enumerate(fine.lm_heads))


def test_it_speaks(own_folder: Path) -> None:
    fill_vocabulary(own_folder / "vocab.txt")
    speech = bark.pipeline.Bark(own_folder, device="cpu").generate("hello", seed=1, max_duration=0.3, min_eos_p=1.0)
    assert speech.tokens.fine.shape[0] == 8
    assert len(speech.audio) == 320 * speech.tokens.fine.shape[1] > 0


def test_encodec_in_a_folder_of_its_own(tmp_path: Path, hf_bark: Any) -> None:
    hf_bark.codec_model.save_pretrained(tmp_path)
    config, tensors = read_encodec(tmp_path, 4)
    assert (config.n_codebooks, config.dim) == (4, 8)
    assert tensors["quantizer.entries"].shape == (4, 1024, 8)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"norm_type": "time_group_norm"}, "norm_type is 'time_group_norm', not 'weight_norm'"),
        ({"normalize": True}, "normalize is True"),
        ({"audio_channels": 2}, "audio_channels is 2, not 1: only EnCodec at 24 kHz can be read"),
        ({"upsampling_ratios": 7}, "config.json"),
        ({"hidden_size": 16}, r"(shape|codebooks)"),
    ],
)
def test_another_codec(settings: dict[str, Any], sentence: str, own_folder: Path) -> None:
    edit(own_folder / "config.json", lambda values: values["codec_config"].update(settings))
    with pytest.raises(CheckpointError, match=sentence):
        HuggingFaceCheckpoint(own_folder).codec()


@pytest.mark.parametrize(
    ("part", "settings", "sentence"),
    [
        ("semantic", {"num_layers": 10**9}, "has the weights of 2 layers, but its settings say 1000000000"),
        ("semantic", {"hidden_size": 32}, r"wte.weight has the shape \[129600, 16\], but its settings ask for"),
        ("semantic", {"hidden_size": 15}, "no model can be made of its settings"),
        ("semantic", {"num_heads": "two"}, "num_heads is 'two'; it should be a whole number of at least 1"),
        ("semantic", {"bias": True}, "misses "),
        ("fine_acoustics", {"output_vocab_size": 99}, "differ, but are one in a fine model"),
        ("fine_acoustics", {"n_codes_total": 9}, "misses wtes.8.weight"),
    ],
)
def test_settings_of_another_model(part: str, settings: dict[str, Any], sentence: str, own_folder: Path) -> None:
    edit(own_folder / "config.json", lambda values: values[f"{part}_config"].update(settings))
    with pytest.raises(CheckpointError, match=sentence):
        getattr(HuggingFaceCheckpoint(own_folder), part.removesuffix("_acoustics"))()


def test_a_model_that_is_not_bark(own_folder: Path) -> None:
    edit(own_folder / "config.json", lambda values: values.update(model_type="vits"))
    with pytest.raises(CheckpointError, match="the model_type is 'vits', not 'bark'"):
        HuggingFaceCheckpoint(own_folder)


def test_a_generation_config_that_makes_no_sense(own_folder: Path) -> None:
    edit(
        own_folder / "generation_config.json",
        lambda values: values["coarse_acoustics_config"].update(max_coarse_history="many"),
    )
    with pytest.raises(CheckpointError, match=r"generation_config\.json: max_coarse_history is 'many'; Suno's is 630"):
        HuggingFaceCheckpoint(own_folder).config  # noqa: B018


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "is a git-lfs pointer"),
        (b"<!DOCTYPE html><html><title>404</title></html>", "is a web page, not weights"),
        (b"", "is empty"),
        (b"\0" * 64, "is not a whole safetensors file"),
    ],
)
def test_a_file_that_is_no_weights(content: bytes, sentence: str, own_folder: Path) -> None:
    (own_folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"model\.safetensors {sentence}"):
        HuggingFaceCheckpoint(own_folder).coarse()


def test_a_file_that_was_cut_short(own_folder: Path) -> None:
    path = own_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="it may have been cut short"):
        HuggingFaceCheckpoint(own_folder).semantic()


def test_tensors_that_are_missing(own_folder: Path) -> None:
    tensors = load_file(own_folder / "model.safetensors")
    del tensors["coarse_acoustics.layers.1.attn.att_proj.weight"]
    save_file(tensors, own_folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"\(coarse_acoustics\.\*\) misses h\.1\.attn\.c_attn\.weight"):
        HuggingFaceCheckpoint(own_folder).coarse()


@pytest.mark.parametrize(("name", "sentence"), [("../secret.bin", "not a file beside it"), ("none.bin", "is missing")])
def test_an_index_that_leads_astray(name: str, sentence: str, own_folder: Path) -> None:
    write_shards(own_folder, "pytorch_model")
    path = own_folder / "pytorch_model.bin.index.json"
    edit(path, lambda values: values["weight_map"].update({"semantic.lm_head.weight": name}))
    with pytest.raises(CheckpointError, match=sentence):
        HuggingFaceCheckpoint(own_folder).semantic()


def test_a_folder_without_weights(own_folder: Path) -> None:
    (own_folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"there are no weights in .*: none of model\.safetensors, "):
        HuggingFaceCheckpoint(own_folder).fine()


def test_half_of_a_normed_weight(own_folder: Path) -> None:
    tensors: dict[str, Tensor] = load_file(own_folder / "model.safetensors")
    del tensors["codec_model.encoder.layers.0.conv.parametrizations.weight.original0"]
    save_file(tensors, own_folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"encoder\.0\.weight_v has no weight_g that fits it"):
        HuggingFaceCheckpoint(own_folder).codec()
