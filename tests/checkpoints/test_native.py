"""A checkpoint is read as it was written, or an error names the file and what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bark.checkpoints.native import NativeCheckpoint, load_weights, save_checkpoint
from bark.checkpoints.tensors import read_tensors, save_tensors
from bark.codec import build_codec
from bark.engine.quantize import Int8Linear, pack
from bark.errors import CheckpointError, OutputError
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.pipeline import Bark


def edit_config(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes `config.json` in place."""
    values = json.loads((folder / "config.json").read_text())
    edit(values)
    (folder / "config.json").write_text(json.dumps(values))


def test_the_config_is_read_again(checkpoint: Path, config: ModelConfig) -> None:
    read = NativeCheckpoint(checkpoint).config
    assert read.tokens == config.tokens
    assert read.to_dict() == json.loads(json.dumps(config.to_dict()))


def test_weights_are_read_again(tmp_path: Path, config: ModelConfig) -> None:
    modules = {
        "semantic": GPT(config.semantic),
        "coarse": GPT(config.coarse),
        "fine": FineGPT(config.fine),
        "codec": build_codec(config.codec),
    }
    save_checkpoint(tmp_path / "new", config, modules)
    checkpoint = NativeCheckpoint(tmp_path / "new")
    read = {
        "semantic": checkpoint.semantic(),
        "coarse": checkpoint.coarse(),
        "fine": checkpoint.fine(),
        "codec": checkpoint.codec(),
    }
    for part, module in modules.items():
        for (name, wanted), (_, found) in zip(
            module.state_dict().items(), read[part].state_dict().items(), strict=True
        ):
            assert torch.equal(wanted, found), f"{part}: {name}"


def test_models_are_ready_for_inference(checkpoint: Path) -> None:
    model = NativeCheckpoint(checkpoint).fine()
    assert not model.training
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in model.parameters())


def test_halves_become_what_is_asked_for(checkpoint: Path) -> None:
    assert load_file(checkpoint / "semantic.safetensors")["wte.weight"].dtype == torch.float16
    read = NativeCheckpoint(checkpoint)
    assert read.semantic().wte.weight.dtype == torch.float32
    assert read.semantic(dtype=torch.bfloat16).wte.weight.dtype == torch.bfloat16
    assert {tensor.dtype for tensor in read.codec().state_dict().values()} == {torch.float32}


class TestInt8:
    @pytest.fixture
    def small(self, own_checkpoint: Path) -> NativeCheckpoint:
        """Whose stages keep their weights in int8."""
        for part in ("semantic", "coarse", "fine"):
            path = own_checkpoint / f"{part}.safetensors"
            save_tensors(load_file(path), path, int8=True)
        return NativeCheckpoint(own_checkpoint)

    def test_what_is_stored(self, small: NativeCheckpoint) -> None:
        stored = load_file(small.folder / "semantic.safetensors")
        assert (stored["wte.weight"].dtype, stored["wte.weight.scales"].dtype) == (torch.int8, torch.bfloat16)
        assert stored["h.0.attn.c_attn.weight.scales"].shape == (96,)
        assert stored["ln_f.weight"].dtype == torch.float16
        assert not any(name.startswith("lm_heads") for name in load_file(small.folder / "fine.safetensors"))

    def test_it_is_read_as_floats(self, small: NativeCheckpoint, checkpoint: Path) -> None:
        wide = NativeCheckpoint(checkpoint)
        for found, wanted in ((small.semantic(), wide.semantic()), (small.fine(), wide.fine())):
            for (name, weight), (_, other) in zip(found.named_parameters(), wanted.named_parameters(), strict=True):
                assert weight.dtype == torch.float32
                assert torch.allclose(weight, other, atol=float(other.abs().max()) / 200), name
        assert small.coarse(dtype=torch.bfloat16).wte.weight.dtype == torch.bfloat16
        assert small.coarse(dtype=None).ln_f.weight.dtype == torch.float16
        assert all(head.weight is small_wte.weight for head, small_wte in self.ties(small.fine()))
        assert small.int8("fine")
        assert not small.int8("codec")

    @staticmethod
    def ties(model: FineGPT) -> list[tuple[Any, Any]]:
        return list(zip(model.lm_heads, list(model.wtes)[1:], strict=True))

    def test_a_cpu_multiplies_by_what_is_stored(self, small: NativeCheckpoint, checkpoint: Path) -> None:
        """The same numbers as it makes of 16 bits, and no others."""
        stored = load_file(small.folder / "coarse.safetensors")
        for folder in (small.folder, checkpoint):
            model = NativeCheckpoint(folder).coarse(dtype=None)
            pack(model, torch.float32, "int8")
            for name, layer in model.named_modules():
                if isinstance(layer, Int8Linear):
                    assert torch.equal(layer.weight, stored[f"{name}.weight"])
                    assert torch.equal(layer.scales, stored[f"{name}.weight.scales"])

    def test_it_speaks(self, small: NativeCheckpoint) -> None:
        assert Bark(small.folder, device="cpu").generate("Hello", seed=1, max_duration=0.2).duration > 0


def test_shared_weights_are_stored_once_and_stay_shared(checkpoint: Path) -> None:
    stored = load_file(checkpoint / "fine.safetensors")
    assert "wtes.1.weight" in stored
    assert not any(name.startswith("lm_heads") for name in stored)
    model = NativeCheckpoint(checkpoint).fine()
    for index, head in enumerate(model.lm_heads):
        assert head.weight is model.wtes[index + 1].weight


def test_a_codec_keeps_what_is_not_stored(checkpoint: Path, config: ModelConfig) -> None:
    fresh = build_codec(config.codec)
    read = NativeCheckpoint(checkpoint).codec()
    codes = torch.randint(config.tokens.codebook_size, (1, 8, 5))
    load_weights(fresh, checkpoint / "codec.safetensors")
    assert torch.equal(read.decode(codes), fresh.decode(codes))


def test_loading_is_no_reason_to_start_the_compiler(checkpoint: Path) -> None:
    code = (
        "import sys; from bark.checkpoints.native import NativeCheckpoint\n"
        f"NativeCheckpoint({str(checkpoint)!r}).fine()\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_tokenizer_is_read(checkpoint: Path) -> None:
    assert NativeCheckpoint(checkpoint).text_tokenizer().encode("Hello")


def test_a_tokenizer_of_another_model(own_checkpoint: Path) -> None:
    checkpoint = NativeCheckpoint(own_checkpoint)
    small = replace(checkpoint.config, semantic=replace(checkpoint.config.semantic, input_vocab=100))
    checkpoint.config = small
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: \d+ ids, but the semantic model has room for 30"):
        checkpoint.text_tokenizer()


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_file_that_was_cut_short(own_checkpoint: Path, keep: int) -> None:
    path = own_checkpoint / "coarse.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"coarse\.safetensors is not a whole safetensors file .* copy it again"):
        NativeCheckpoint(own_checkpoint).coarse()


def test_a_missing_file(own_checkpoint: Path) -> None:
    (own_checkpoint / "codec.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"codec\.safetensors is missing"):
        NativeCheckpoint(own_checkpoint).codec()


def test_missing_and_unknown_tensors(own_checkpoint: Path) -> None:
    path = own_checkpoint / "semantic.safetensors"
    tensors = load_file(path)
    tensors["surplus"] = tensors.pop("wpe.weight").clone()
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"semantic\.safetensors misses wpe.weight and has unknown surplus"):
        NativeCheckpoint(own_checkpoint).semantic()


def test_a_tensor_of_another_shape(own_checkpoint: Path) -> None:
    edit_config(own_checkpoint, lambda values: values["semantic"].update(block_size=96))
    message = r"wpe.weight has the shape \[128, 32\], but its settings ask for \[96, 32\]"
    with pytest.raises(CheckpointError, match=message):
        NativeCheckpoint(own_checkpoint).semantic()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "config.json is not valid JSON"),
        (b"\xff\xfe", "config.json is not valid JSON"),
        (b"[1]", "config.json: expected a table of settings, got list"),
        (b"{}", "config.json: .*missing"),
        (b'{"name": "x", "flavour": 1}', "config.json: unknown setting flavour"),
    ],
)
def test_a_broken_config(own_checkpoint: Path, content: bytes, sentence: str) -> None:
    (own_checkpoint / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence):
        NativeCheckpoint(own_checkpoint)


@pytest.mark.parametrize(
    "settings", [{"n_head": 3}, {"n_head": 0}, {"n_layer": "two"}, {"n_embd": -16}, {"input_vocab": None}]
)
def test_settings_that_make_no_model(own_checkpoint: Path, settings: dict[str, object]) -> None:
    edit_config(own_checkpoint, lambda values: values["coarse"].update(settings))
    with pytest.raises(CheckpointError, match=r"config.json: coarse: |coarse.safetensors"):
        NativeCheckpoint(own_checkpoint).coarse()


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        ("tokens", "sample_rate", "24000", "sample_rate: expected a whole number, got '24000'"),
        ("tokens", "semantic_rate", 0, "semantic_rate must be a number above 0, got 0"),
        ("tokens", "n_coarse", 0, "n_coarse must be at least 1, got 0"),
        ("semantic_layout", "max_steps", "700", "max_steps: expected a whole number, got '700'"),
        ("coarse_layout", "max_history", -2, "max_history must be at least 0, got -2"),
        ("coarse_layout", "stride", 2.0, "stride: expected a whole number, got 2.0"),
        ("text", "verbalize", "no", "verbalize: expected true or false, got 'no'"),
        ("semantic", "bias", 1, "bias: expected true or false, got 1"),
    ],
)
def test_values_of_another_kind(own_checkpoint: Path, part: str, name: str, value: object, sentence: str) -> None:
    edit_config(own_checkpoint, lambda values: values.setdefault(part, {}).update({name: value}))
    with pytest.raises(CheckpointError, match=f"config.json: {part}: {sentence}"):
        NativeCheckpoint(own_checkpoint)


def test_an_unknown_codec(own_checkpoint: Path) -> None:
    edit_config(own_checkpoint, lambda values: values["codec"].update(kind="opus"))
    with pytest.raises(CheckpointError, match="no codec of kind 'opus'"):
        NativeCheckpoint(own_checkpoint).codec()


def test_saving_where_no_folder_can_be(tmp_path: Path, config: ModelConfig) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't make the folder"):
        save_checkpoint(tmp_path / "file" / "new", config, {})


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.safetensors"
    save_tensors({"a": torch.ones(3)}, path)

    def fail(tensors: object, name: Path, **more: object) -> None:
        name.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bark.checkpoints.tensors.save_file", fail)
    with pytest.raises(OutputError, match="the disk is full"):
        save_tensors({"a": torch.zeros(3)}, path)
    assert torch.equal(read_tensors(path)["a"], torch.ones(3).half())
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_float_keeps_its_kind(tmp_path: Path) -> None:
    counts = nn.Module()
    counts.register_buffer("n", torch.tensor([3, 70_000]))
    save_tensors(counts.state_dict(), tmp_path / "w.safetensors")
    fresh = nn.Module()
    fresh.register_buffer("n", torch.zeros(2, dtype=torch.int64))
    load_weights(fresh, tmp_path / "w.safetensors", dtype=torch.bfloat16)
    assert fresh.n.tolist() == [3, 70_000]
