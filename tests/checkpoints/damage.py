"""Ways to spoil a model or a voice: each changes one thing in a folder that is whole, and says what should be said.

A damage is called with the folder, and with the path that a file makes if anything in it is run.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from bark.checkpoints.registry import META_FILE
from bark.checkpoints.tensors import save_tensors

Change = Callable[[Path, Path], object]
OURS = "semantic.safetensors"
ONE = torch.ones(1)
WPE = "_orig_mod.transformer.wpe.weight"
HEADER = b'{"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}}'  # and nothing after it
BOMB = 64 << 20  # bytes of zeros, which take a thousandth of that when they are packed


class Damage(NamedTuple):
    """What is done to a folder of a form, the sentence about it, and whether it is made to take much memory."""

    form: str
    change: Change
    sentence: str
    swells: bool = False


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def cut(name: str, keep: int = -1000) -> Change:
    """Only the beginning of a file."""
    return lambda folder, _: (folder / name).write_bytes((folder / name).read_bytes()[:keep])


def replaced(name: str, content: bytes) -> Change:
    """Something else under the name of a file."""
    return lambda folder, _: (folder / name).write_bytes(content)


def swapped(one: str, other: str) -> Change:
    """Two files under each other's names."""

    def change(folder: Path, _: Path) -> None:
        (folder / one).rename(folder / "third")
        (folder / other).rename(folder / one)
        (folder / "third").rename(folder / other)

    return change


def folder_instead(name: str) -> Change:
    """A folder under the name of a file."""

    def change(folder: Path, _: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return change


def pickled(name: str, edit: Callable[[dict[str, Any], Path], object]) -> Change:
    """Another content of a file of `torch.save`."""

    def change(folder: Path, made: Path) -> None:
        content = torch.load(folder / name, weights_only=False)
        edit(content, made)
        torch.save(content, folder / name)

    return change


def weights(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Other weights of Suno's semantic model."""
    return pickled("text_2.pt", lambda content, _: edit(content["model"]))


def stored(name: str, edit: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    """Other tensors of a safetensors file."""

    def change(folder: Path, _: Path) -> None:
        tensors = load_file(folder / name)
        edit(tensors)
        save_file(tensors, folder / name)

    return change


def in_int8(edit: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    """Other tensors of our semantic model, whose weights are in int8."""

    def change(folder: Path, _: Path) -> None:
        save_tensors(load_file(folder / OURS), folder / OURS, int8=True)
        stored(OURS, edit)(folder, _)

    return change


def settings(name: str, edit: Callable[[dict[str, Any]], object]) -> Change:
    """Other settings in a JSON file."""

    def change(folder: Path, _: Path) -> None:
        values = json.loads((folder / name).read_text())
        edit(values)
        (folder / name).write_text(json.dumps(values))

    return change


def packed(folder: Path, _: Path) -> None:
    """A file of `torch.save` that swells when it is read."""
    with zipfile.ZipFile(folder / "text_2.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text_2/data.pkl", bytes(BOMB))


def endless_rows(content: dict[str, Any], _: Path) -> None:
    """One row that is said to be a hundred million."""
    content["model_args"]["input_vocab_size"] = 10**8
    content["model"]["_orig_mod.transformer.wte.weight"] = torch.zeros(1, 16).expand(10**8, 16)


def shards(second: str, moved: str) -> Change:
    """The tensors in two files, with an index that names `second` for one; the tensor `moved` is in both."""

    def change(folder: Path, _: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        save_file(tensors, folder / "a.safetensors")
        save_file({moved: tensors[moved]}, folder / "b.safetensors")
        places = dict.fromkeys(tensors, "a.safetensors") | {moved: second}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))

    return change


def large(name: str, size: int) -> Change:
    """A file with a hole, as long as it likes."""
    return lambda folder, _: os.truncate(folder / name, size)


MODELS = {
    "cut short": Damage("suno", cut("text_2.pt"), "text_2.pt is not a whole PyTorch file"),
    "empty": Damage("suno", replaced("coarse_2.pt", b""), "coarse_2.pt is empty: download it again"),
    "words": Damage("suno", replaced("fine_2.pt", b"These are words.\n"), "fine_2.pt is not a whole PyTorch file"),
    "a folder": Damage("suno", folder_instead("fine_2.pt"), "fine_2.pt is not a file"),
    "stages swapped": Damage("suno", swapped("text_2.pt", "coarse_2.pt"), "it may be another stage's file"),
    "a shape": Damage(
        "suno",
        weights(lambda model: model.update({WPE: model[WPE][:512].clone()})),
        "wpe.weight has the shape [512, 16], but its settings ask for [1024, 16]",
    ),
    "a dtype": Damage(
        "native",
        stored(OURS, lambda tensors: tensors.update({"wpe.weight": tensors["wpe.weight"].long()})),
        "is of torch.int64",
    ),
    "a key is missing": Damage("native", stored(OURS, lambda tensors: tensors.pop("wpe.weight")), "misses wpe.weight"),
    "a key too many": Damage("native", stored(OURS, lambda tensors: tensors.update(odd=ONE)), "has unknown odd"),
    "a key twice": Damage(
        "suno",
        weights(lambda model: model.update({"transformer.wpe.weight": model[WPE] + 1})),
        "has wpe.weight twice, under two names",
    ),
    "code": Damage(
        "suno",
        pickled("text_2.pt", lambda content, made: content.update(config=Evil(made))),
        "refused, and nothing in it was run",
    ),
    "a bomb": Damage("suno", packed, "text_2.pt is compressed, as PyTorch never writes its files: refused", True),
    "endless rows": Damage("suno", pickled("text_2.pt", endless_rows), "but its numbers aren't stored", True),
    "settings of another depth": Damage(
        "suno",
        pickled("text_2.pt", lambda content, _: content["model_args"].update(n_layer=10**9)),
        "has the weights of 2 layers, but its settings say 1000000000",
    ),
    "another vocabulary": Damage(
        "suno",
        replaced("vocab.txt", b"[UNK]\n" + b"a\n" * 28_995),
        "28996 ids, but Suno's models read in bert-base",
    ),
    "a vocabulary of bytes": Damage("suno", replaced("vocab.txt", b"\x80\xff" * 99), "vocab.txt is not UTF-8"),
    "a large vocabulary": Damage("suno", large("vocab.txt", 1 << 40), "vocab.txt has 1048576 MB", True),
    "a codec of words": Damage("suno", replaced(META_FILE, b"These are words."), "d7cc33bc.th is not a whole PyTorch"),
    "no config": Damage("hf", lambda folder, _: (folder / "config.json").unlink(), "there is no model"),
    "a config of words": Damage("hf", replaced("config.json", b"bark = yes\n"), "config.json is not valid JSON"),
    "a large config": Damage("hf", large("config.json", 1 << 40), "and at most 16 were expected: refused", True),
    "a deep config": Damage("hf", replaced("config.json", b"[" * 100_000), "config.json is not valid JSON"),
    "a large header": Damage(
        "hf",
        replaced("model.safetensors", (1 << 62).to_bytes(8, "little") + b"{}"),
        "model.safetensors is not a whole safetensors file",
        True,
    ),
    "offsets beyond the end": Damage(
        "hf",
        replaced("model.safetensors", len(HEADER).to_bytes(8, "little") + HEADER),
        "model.safetensors is not a whole safetensors file",
    ),
    "half of a file": Damage("hf", cut("model.safetensors", 1_000_000), "it may have been cut short"),
    "an index that leads out": Damage(
        "hf", shards("../../secret", "semantic.lm_head.weight"), "names '../../secret', which is not a file beside it"
    ),
    "a tensor in two files": Damage(
        "hf",
        shards("b.safetensors", "semantic.lm_head.weight"),
        "has semantic.lm_head.weight, which another of the files",
    ),
    "our stages swapped": Damage("native", swapped("semantic.safetensors", "fine.safetensors"), "misses wtes.0.weight"),
    "a tokenizer of words": Damage("native", replaced("tokenizer.json", b"hello"), "not a tokenizer file"),
    "a shape of ours": Damage(
        "native",
        stored(OURS, lambda tensors: tensors.update({"wpe.weight": torch.zeros(7, 16)})),
        "wpe.weight has the shape [7, 16]",
    ),
    "scales are missing": Damage(
        "native",
        in_int8(lambda tensors: tensors.pop("wpe.weight.scales")),
        "has wpe.weight in int8, but misses wpe.weight.scales",
    ),
    "scales of nothing": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"odd.scales": ONE})),
        "has odd.scales, but no odd in int8 that it could be of",
    ),
    "scales of floats": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"wpe.weight": tensors["wpe.weight"].half()})),
        "has wpe.weight.scales, but no wpe.weight in int8",
    ),
    "too few scales": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"wpe.weight.scales": ONE})),
        "wpe.weight.scales is float32 [1], but each of the 128 rows needs a floating-point number",
    ),
    "whole scales": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"wpe.weight.scales": torch.ones(128, dtype=torch.int64)})),
        "wpe.weight.scales is int64 [128], but each",
    ),
    "scales that are no numbers": Damage(
        "native",
        in_int8(lambda tensors: tensors["wpe.weight.scales"][3].fill_(torch.nan)),
        "wpe.weight.scales holds values that are not finite numbers above 0",
    ),
    "a row in int8": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"ln_f.weight": tensors["ln_f.weight"].to(torch.int8)})),
        "has ln_f.weight in int8, but misses ln_f.weight.scales",
    ),
    "a shape in int8": Damage(
        "native",
        in_int8(lambda tensors: tensors.update({"wpe.weight": tensors["wpe.weight"][:, :8].clone()})),
        "wpe.weight has the shape [128, 8]",
    ),
    "another width": Damage(
        "native", settings("config.json", lambda values: values["semantic"].update(n_embd=64)), "ask for"
    ),
}


def arrays(**changes: Any) -> Change:
    """Other arrays of a voice, each made of the file; what makes None takes one out."""

    def change(folder: Path, made: Path) -> None:
        with np.load(folder / "mine.npz") as file:
            values = {**file, **{key: value(file, made) for key, value in changes.items()}}
        np.savez(folder / "mine.npz", **{key: value for key, value in values.items() if value is not None})

    return change


def swelling(folder: Path, _: Path) -> None:
    """An array that is a thousand times as large as the file."""
    arrays(fine_prompt=lambda file, made: None)(folder, folder)
    with zipfile.ZipFile(folder / "mine.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fine_prompt.npy", bytes(BOMB))


VOICES = {
    "objects": Damage(
        "voice", arrays(fine_prompt=lambda file, made: np.array([Evil(made)])), "holds pickled objects, which are never"
    ),
    "an array is missing": Damage("voice", arrays(coarse_prompt=lambda file, made: None), "coarse_prompt missing"),
    "fractions": Damage("voice", arrays(fine_prompt=lambda file, made: file["fine_prompt"] / 2), "must hold integers"),
    "codes beyond the codebook": Damage(
        "voice", arrays(fine_prompt=lambda file, made: file["fine_prompt"] + 16), "but this model's tokens there are 0"
    ),
    "codes below 0": Damage(
        "voice", arrays(coarse_prompt=lambda file, made: file["coarse_prompt"] - 99), "tokens count from 0"
    ),
    "unequal lengths": Damage(
        "voice", arrays(fine_prompt=lambda file, made: file["fine_prompt"][:, :20]), "fine_prompt has 20 frames, but"
    ),
    "rows and columns turned": Damage(
        "voice", arrays(fine_prompt=lambda file, made: file["fine_prompt"].T), "it seems to be turned"
    ),
    "arrays swapped": Damage(
        "voice", arrays(semantic_prompt=lambda file, made: file["coarse_prompt"]), "must have the shape [tokens]"
    ),
    "no tokens": Damage("voice", arrays(semantic_prompt=lambda file, made: file["semantic_prompt"][:0]), "is empty"),
    "it swells": Damage("voice", swelling, "fine_prompt is larger than 4 MB, which no voice is: refused", True),
    "it is long": Damage("voice", large("mine.npz", 1 << 40), "and a voice at most 16", True),
    "half": Damage("voice", cut("mine.npz", 700), "mine.npz is not a voice, or is damaged"),
    "nothing in it": Damage("voice", replaced("mine.npz", b""), "an npz file was expected"),
    "words in it": Damage("voice", replaced("mine.npz", b"These are words.\n"), "an npz file was expected"),
    "a folder of that name": Damage("voice", folder_instead("mine.npz"), "it is not a file"),
}
