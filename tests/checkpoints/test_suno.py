"""Suno's files give models that compute what 🤗's compute, and a damaged one gives one sentence and runs nothing."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import bark.pipeline
from bark.checkpoints.pickles import OBJECTS_LIMIT, read_pickle
from bark.checkpoints.suno import SunoCheckpoint
from bark.errors import CheckpointError, WeightsNotFoundError
from bark.models.config import SUNO_LARGE
from tests.checkpoints.conftest import fill_vocabulary
from tests.checkpoints.twins import check_models

SunoFile = Callable[..., dict[str, Any]]


@pytest.fixture
def own_folder(suno_folder: Path, tmp_path: Path) -> Path:
    """A copy, to be broken."""
    return Path(shutil.copytree(suno_folder, tmp_path / "own"))


class Evil:
    """Makes a file when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def repacked(path: Path, change: Callable[[bytes], bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Writes a file of `torch.save` anew, with its pickle changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name.endswith("data.pkl") else content)


def test_models_and_codec(suno_folder: Path, meta_file: Path, hf_bark: Any, hf_codec: Any) -> None:
    check_models(SunoCheckpoint(suno_folder, codec=meta_file), hf_bark, hf_codec)


def test_the_config_is_that_of_the_files(suno_folder: Path) -> None:
    config = SunoCheckpoint(suno_folder).config
    assert config.name == "suno/bark"
    assert config.tokens == SUNO_LARGE.tokens
    assert config.semantic_layout == SUNO_LARGE.semantic_layout
    assert (config.semantic.n_layer, config.semantic.n_head, config.semantic.n_embd) == (2, 2, 16)
    assert (config.semantic.input_vocab, config.semantic.output_vocab) == (129_600, 10_048)
    assert (config.coarse.input_vocab, config.coarse.output_vocab) == (12_096, 12_096)
    assert (config.fine.vocab, config.fine.n_codebooks, config.fine.n_given) == (1056, 8, 1)


@pytest.fixture
def both(own_folder: Path, suno_file: SunoFile) -> Path:
    """Large and small files in one folder."""
    for stem, part in (("text", "semantic"), ("coarse", "coarse_acoustics"), ("fine", "fine_acoustics")):
        torch.save(suno_file(part, n_head=4), own_folder / f"{stem}.pt")
    return own_folder


def test_both_sizes_in_one_folder(both: Path) -> None:
    assert SunoCheckpoint(both).config.semantic.n_head == 2
    assert SunoCheckpoint(both, "large").config.name == "suno/bark"
    small = SunoCheckpoint(both, "small").config
    assert (small.name, small.coarse.n_head, small.fine.n_head) == ("suno/bark-small", 4, 4)
    for path in both.glob("*_2.pt"):
        path.unlink()
    assert SunoCheckpoint(both).config == small
    with pytest.raises(WeightsNotFoundError, match=r"there is none of text_2\.pt, coarse_2\.pt, fine_2\.pt in "):
        SunoCheckpoint(both, "large")


@pytest.mark.parametrize("bias", [False, True])
def test_biases(bias: bool, own_folder: Path, suno_file: SunoFile) -> None:
    content = suno_file("coarse_acoustics", bias=bias)
    if bias:
        for name, weight in list(content["model"].items()):
            if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) or ".ln_" in name:
                content["model"][name.removesuffix("weight") + "bias"] = torch.randn(weight.shape[0])
    torch.save(content, own_folder / "coarse_2.pt")
    model = SunoCheckpoint(own_folder).coarse()
    assert (model.h[1].attn.c_attn.bias is not None) == bias
    if bias:
        stored = content["model"]["_orig_mod.transformer.h.1.attn.c_attn.bias"]
        assert torch.equal(model.h[1].attn.c_attn.bias, stored)


def test_a_validation_loss_of_an_older_numpy(own_folder: Path) -> None:
    path = own_folder / "text_2.pt"
    repacked(path, lambda content: content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    with zipfile.ZipFile(path) as archive:
        assert b"cnumpy.core.multiarray\nscalar\n" in archive.read("text_2/data.pkl")
    assert SunoCheckpoint(own_folder).semantic().wte.weight.shape == (129_600, 16)


def test_the_codec_may_be_in_the_folder_or_elsewhere(
    own_folder: Path, meta_file: Path, tmp_path: Path, hf_bark: Any
) -> None:
    with pytest.raises(CheckpointError, match=r"encodec_24khz-d7cc33bc\.th is missing"):
        SunoCheckpoint(own_folder).codec()
    (own_folder / meta_file.name).symlink_to(meta_file)
    assert SunoCheckpoint(own_folder).codec().n_codebooks == 8
    hf_bark.codec_model.save_pretrained(tmp_path / "codec")
    check_models(SunoCheckpoint(own_folder, codec=tmp_path / "codec"), hf_bark)


def test_it_speaks(own_folder: Path, monkeypatch: pytest.MonkeyPatch, hf_bark: Any) -> None:
    hf_bark.codec_model.save_pretrained(own_folder / "codec")
    fill_vocabulary(own_folder / "vocab.txt")
    made = SunoCheckpoint(own_folder, codec=own_folder / "codec")
    monkeypatch.setattr(bark.pipeline, "open_model", lambda *_: made)
    speech = bark.pipeline.Bark(own_folder, device="cpu").generate("hello", seed=1, max_duration=0.3, min_eos_p=1.0)
    assert len(speech.audio) == 320 * speech.tokens.fine.shape[1] > 0


def test_nothing_in_a_file_is_run(own_folder: Path, suno_file: SunoFile, tmp_path: Path) -> None:
    made = tmp_path / "made by the file"
    torch.save({**suno_file("semantic"), "config": Evil(made)}, own_folder / "text_2.pt")
    with pytest.raises(
        CheckpointError, match=r"text_2\.pt holds more than weights \(posix\.mkdir\): refused, and noth"
    ):
        SunoCheckpoint(own_folder).semantic()
    torch.save(Evil(made), own_folder / "encodec_24khz-d7cc33bc.th")
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        SunoCheckpoint(own_folder).codec()
    assert not made.exists()
    torch.load(own_folder / "encodec_24khz-d7cc33bc.th", weights_only=False)  # the file does what it is feared for
    assert made.exists()


@pytest.mark.parametrize("keep", [1, 100, 5_000, -1, -100])
def test_a_file_that_was_cut_short(keep: int, own_folder: Path) -> None:
    path = own_folder / "coarse_2.pt"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"coarse_2\.pt is not a whole PyTorch file .*: download it again"):
        SunoCheckpoint(own_folder).coarse()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "is a git-lfs pointer, not the weights",
        ),
        (b"\n\n<!doctype html>\n<html><body>Sign in</body></html>", "is a web page, not weights"),
        (b"<html></html>", "is a web page, not weights"),
        (b"", "is empty"),
        (b"hello", "is not a whole PyTorch file"),
    ],
    ids=["git-lfs", "doctype", "html", "empty", "words"],
)
def test_a_file_that_is_no_weights(content: bytes, sentence: str, own_folder: Path) -> None:
    (own_folder / "fine_2.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"fine_2\.pt {sentence}"):
        SunoCheckpoint(own_folder).fine()


def test_a_file_that_swells(own_folder: Path) -> None:
    path = own_folder / "fine_2.pt"
    repacked(path, lambda content: content, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="is compressed, as PyTorch never writes its files"):
        SunoCheckpoint(own_folder).fine()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine_2/data.pkl", b"\0" * (OBJECTS_LIMIT + 1))
    with pytest.raises(CheckpointError, match="holds more than 4 MB beside its weights"):
        SunoCheckpoint(own_folder).fine()


@pytest.mark.parametrize("damage", [b"", b"\x80\x02.", b"\x80\x02}", b"\xff" * 100, b"\x80\x02h\x05.", b"\x80\x02(e."])
def test_a_pickle_that_is_none(damage: bytes, own_folder: Path) -> None:
    repacked(own_folder / "text_2.pt", lambda _: damage)
    with pytest.raises(CheckpointError, match=r"text_2\.pt"):
        SunoCheckpoint(own_folder).semantic()


def test_a_pickle_with_a_byte_changed(own_folder: Path) -> None:
    path = own_folder / "coarse_2.pt"
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        length = archive.getinfo("coarse_2/data.pkl").file_size
    start = whole.index(b"\x80\x02")
    for place in range(start, start + length, length // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            SunoCheckpoint(own_folder).coarse()
        except CheckpointError as error:
            assert "\n" not in str(error)


def test_weights_under_other_names(own_folder: Path, suno_file: SunoFile) -> None:
    content = suno_file("semantic")
    content["model"]["surplus"] = content["model"].pop("_orig_mod.transformer.wpe.weight")
    torch.save(content, own_folder / "text_2.pt")
    with pytest.raises(CheckpointError, match=r"text_2\.pt misses wpe\.weight and has unknown surplus"):
        SunoCheckpoint(own_folder).semantic()


def test_a_model_in_the_place_of_another(own_folder: Path) -> None:
    shutil.copyfile(own_folder / "coarse_2.pt", own_folder / "fine_2.pt")
    with pytest.raises(CheckpointError, match=r"fine_2\.pt misses wtes\.0\.weight"):
        SunoCheckpoint(own_folder).fine()


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"n_layer": 10**9}, "has the weights of 2 layers, but its settings say 1000000000"),
        ({"n_layer": -1}, "model_args: n_layer is -1; it should be a whole number of at least 1"),
        ({"n_head": 3}, "no model can be made of its settings"),
        ({"n_embd": 2**62}, "no model can be made of its settings|has the shape"),
        ({"n_embd": None}, "n_embd is None"),
        ({"block_size": 512}, r"wpe\.weight has the shape \[1024, 16\], but its settings ask for \[512, 16\]"),
        ({"output_vocab_size": 1024}, "a fine model's vocabularies are one, but these have 1056 and 1024"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_settings_that_do_not_fit(args: dict[str, Any], sentence: str, own_folder: Path, suno_file: SunoFile) -> None:
    torch.save(suno_file("fine_acoustics", **args), own_folder / "fine_2.pt")
    with pytest.raises(CheckpointError, match=sentence):
        SunoCheckpoint(own_folder).fine()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1, 2], "has no model_args"),
        ({"model": {}}, "has no model_args"),
        ({"model_args": {}}, "model holds something else than tensors by name"),
        ({"model_args": {}, "model": {"a": 1}}, "model holds something else than tensors by name"),
        ({"model_args": {}, "model": {}}, "vocab_size is missing"),
    ],
    ids=["list", "no args", "no model", "no tensors", "no settings"],
)
def test_a_pickle_of_something_else(content: Any, sentence: str, own_folder: Path) -> None:
    torch.save(content, own_folder / "text_2.pt")
    with pytest.raises(CheckpointError, match=sentence):
        SunoCheckpoint(own_folder).semantic()


def test_weights_that_are_not_numbers_with_a_point(own_folder: Path, suno_file: SunoFile) -> None:
    content = suno_file("semantic")
    name = "_orig_mod.transformer.wpe.weight"
    content["model"][name] = content["model"][name].long()
    torch.save(content, own_folder / "text_2.pt")
    with pytest.raises(CheckpointError, match=r"wpe\.weight is of torch\.int64"):
        SunoCheckpoint(own_folder).semantic()


def test_another_codec(own_folder: Path, meta_file: Path) -> None:
    tensors = torch.load(meta_file)
    stereo = {name.replace("0.conv.conv.bias", "0.conv.norm.bias"): tensor for name, tensor in tensors.items()}
    torch.save(stereo, own_folder / meta_file.name)
    with pytest.raises(
        CheckpointError, match=r"d7cc33bc\.th misses encoder\.0\.bias.* and has unknown encoder\.0\.norm"
    ):
        SunoCheckpoint(own_folder).codec()
    torch.save({"quantizer.vq.layers.0._codebook.embed": torch.ones(4, 8)}, own_folder / meta_file.name)
    with pytest.raises(CheckpointError, match="has 1 codebooks of EnCodec's, and 8 of one shape are needed"):
        SunoCheckpoint(own_folder).codec()


def test_a_missing_file(own_folder: Path) -> None:
    (own_folder / "coarse_2.pt").unlink()
    with pytest.raises(CheckpointError, match=r"coarse_2\.pt is missing"):
        SunoCheckpoint(own_folder).coarse()


def test_weights_stay_mapped(suno_folder: Path) -> None:
    def mapped() -> int:
        return Path("/proc/self/maps").read_text().count("text_2.pt")

    if not Path("/proc/self/maps").exists():
        pytest.skip("only Linux says what is mapped")
    before = mapped()
    model = SunoCheckpoint(suno_folder).semantic()
    assert mapped() > before
    half = SunoCheckpoint(suno_folder).semantic(dtype=torch.bfloat16)
    assert half.wte.weight.dtype == torch.bfloat16
    assert model.wte.weight.dtype == torch.float32


def test_plain_content_is_read(tmp_path: Path) -> None:
    content = {"a": torch.arange(3), "b": [1, 2.5, None, "x", {"y": (True, b"z")}]}
    torch.save(content, tmp_path / "plain.pt")
    read = read_pickle(tmp_path / "plain.pt")
    assert torch.equal(read.pop("a"), torch.arange(3))
    assert read == {"b": content["b"]}
    old = io.BytesIO()
    torch.save(content, old, _use_new_zipfile_serialization=False)
    (tmp_path / "old.pt").write_bytes(old.getvalue())
    with pytest.raises(CheckpointError, match="is not a whole PyTorch file"):
        read_pickle(tmp_path / "old.pt")
