"""Suno's own files: three `.pt` pickles, small or large, and Meta's file of EnCodec.

text_2.pt coarse_2.pt fine_2.pt      the large models
text.pt   coarse.pt   fine.pt        the small ones
encodec_24khz-d7cc33bc.th            the codec, here or anywhere
tokenizer.json, voices/              here or in 🤗's cache; see `bark.checkpoints.text` and `.voices`

Each `.pt` is a dict of `model_args` and `model`, as nanoGPT writes it, beside an optimizer's state twice as large that
is never touched: tensors are mapped, not read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from bark.checkpoints.base import Checkpoint, Part, Stage, tied
from bark.checkpoints.encodec import encodec_config, read_encodec
from bark.checkpoints.pickles import plain_tensors, read_pickle
from bark.checkpoints.registry import META_FILE, Size
from bark.checkpoints.tables import number, read_json
from bark.errors import CheckpointError, WeightsNotFoundError
from bark.models.config import SUNO_LARGE, SUNO_SMALL, FineGPTConfig, GPTConfig, ModelConfig

MODELS = {"large": SUNO_LARGE, "small": SUNO_SMALL}
STEMS: dict[Stage, str] = {"semantic": "text", "coarse": "coarse", "fine": "fine"}


class SunoCheckpoint(Checkpoint):
    """A folder of Suno's files.

    Args:
        folder: where the three `.pt` files are.
        size: "large" or "small"; None for the large ones if any of them is there.
        codec: EnCodec's `.th` file, or the folder of a 🤗 `EncodecModel`; None for the file in `folder`.

    Raises:
        WeightsNotFoundError: none of the three files is there.
    """

    _suno = True

    def __init__(
        self,
        folder: str | os.PathLike[str],
        size: Size | None = None,
        codec: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(folder)
        sizes = [size] if size else list(MODELS)
        there = [name for name in sizes if any(path.is_file() for path in suno_files(self.folder, name).values())]
        if not there:
            names = ", ".join(path.name for name in sizes for path in suno_files(self.folder, name).values())
            raise WeightsNotFoundError(f"there is none of {names} in {self.folder}")
        self.size = there[0]
        self._codec = Path(codec) if codec else self.folder / META_FILE

    @cached_property
    def config(self) -> ModelConfig:
        """Shapes, as the files' `model_args` say; see `Checkpoint.config`."""
        suno = MODELS[self.size]
        fine = _fine_shape(self._read("fine")["model_args"], self.source("fine"))
        return replace(
            suno,
            semantic=_causal_shape(self._read("semantic")["model_args"], suno.semantic, self.source("semantic")),
            coarse=_causal_shape(self._read("coarse")["model_args"], suno.coarse, self.source("coarse")),
            fine=fine,
            tokens=replace(suno.tokens, n_codebooks=fine.n_codebooks),
            codec={"kind": "encodec", **self._codec_settings(fine.n_codebooks)},
        )

    def tensors(self, part: Part) -> dict[str, Tensor]:
        """See `Checkpoint.tensors`."""
        if part == "codec":
            return read_encodec(self._codec, self.config.tokens.n_codebooks)[1]
        tensors = _by_our_names(self._read(part)["model"], self.source(part))
        return tied(tensors, self.source(part)) if part == "fine" else tensors

    def source(self, part: Part) -> str:
        """The file of a part."""
        return str(self._codec if part == "codec" else suno_files(self.folder, self.size)[part])

    def _codec_settings(self, n_codebooks: int) -> dict[str, Any]:
        if not self._codec.is_dir():
            return {"n_codebooks": n_codebooks}
        path = self._codec / "config.json"
        return asdict(encodec_config(read_json(path), n_codebooks, str(path)))

    def _read(self, stage: Stage) -> dict[str, Any]:
        path = suno_files(self.folder, self.size)[stage]
        content = read_pickle(path)
        if not isinstance(content, dict) or not isinstance(content.get("model_args"), Mapping):
            raise CheckpointError(f"{path} is not one of Suno's models: it has no model_args")
        plain_tensors(content.get("model"), f"{path}: model")
        return content


def suno_files(folder: Path, size: str) -> dict[Stage, Path]:
    """Where the three models of a size are in a folder."""
    return {stage: folder / f"{stem}{'_2' if size == 'large' else ''}.pt" for stage, stem in STEMS.items()}


def _by_our_names(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(".attn.bias"):  # a mask
            continue
        ours = name.removeprefix("_orig_mod.").removeprefix("transformer.")  # the first is of torch.compile
        if ours in renamed:
            raise CheckpointError(f"{source} has {ours} twice, under two names")
        renamed[ours] = tensor
    return renamed


def _trunk(args: Mapping[str, Any], where: str) -> dict[str, Any]:
    shape: dict[str, Any] = {name: number(args, name, None, where) for name in ("n_layer", "n_head", "n_embd")}
    return {**shape, "block_size": number(args, "block_size", 1024, where), "bias": bool(args.get("bias", True))}


def _vocabularies(args: Mapping[str, Any], where: str) -> tuple[int, int]:
    """Of the input and the output; older files have one for both."""
    if "input_vocab_size" not in args:
        vocab = number(args, "vocab_size", None, where)
        return vocab, vocab
    return number(args, "input_vocab_size", None, where), number(args, "output_vocab_size", None, where)


def _causal_shape(args: Mapping[str, Any], suno: GPTConfig, source: str) -> GPTConfig:
    """Of a stage whose vocabularies are known: no other stage's are as large in both."""
    where = f"{source}: model_args"
    inputs, outputs = _vocabularies(args, where)
    if inputs < suno.input_vocab or outputs < suno.output_vocab:
        raise CheckpointError(
            f"{where}: vocabularies of {inputs} and {outputs} tokens, but the model of that name has "
            f"{suno.input_vocab} and {suno.output_vocab}: it may be another stage's file"
        )
    return GPTConfig(**_trunk(args, where), input_vocab=inputs, output_vocab=outputs)


def _fine_shape(args: Mapping[str, Any], source: str) -> FineGPTConfig:
    where = f"{source}: model_args"
    inputs, outputs = _vocabularies(args, where)
    if inputs != outputs:
        raise CheckpointError(f"{where}: a fine model's vocabularies are one, but these have {inputs} and {outputs}")
    return FineGPTConfig(
        **_trunk(args, where),
        vocab=inputs,
        n_codebooks=number(args, "n_codes_total", 8, where),
        n_given=number(args, "n_codes_given", 1, where),
    )
