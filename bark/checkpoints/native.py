"""This project's own checkpoints: a folder of `config.json`, safetensors, `tokenizer.json` and voices.

config.json                       ModelConfig
semantic.safetensors              GPT
coarse.safetensors                GPT
fine.safetensors                  FineGPT
codec.safetensors                 what `build_codec` makes
semantic_tokenizer.safetensors    where there is one
tokenizer.json                    🤗 tokenizers
voices/**/*.npz                   voices by name

Weights of the first three may be in int8; see `bark.checkpoints.tensors`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from bark.checkpoints.base import Checkpoint, Part, assign
from bark.checkpoints.registry import CONFIG
from bark.checkpoints.tables import read_json
from bark.checkpoints.tensors import holds_int8, make_folder, read_weights, save_tensors
from bark.checkpoints.text import TOKENIZER
from bark.files import replacing
from bark.models.config import ModelConfig


class NativeCheckpoint(Checkpoint):
    """A checkpoint folder whose config has been read; weights are read when they are asked for.

    Args:
        folder: see the head of this file.

    Raises:
        CheckpointError: `config.json` can't be read or isn't a model's.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder)
        _ = self.config  # a broken one is refused at once

    @cached_property
    def config(self) -> ModelConfig:
        """Shapes and layouts of the model."""
        return ModelConfig.from_dict(read_json(self.folder / CONFIG))

    def tensors(self, part: Part) -> dict[str, Tensor]:
        """A part's weights; see `Checkpoint.tensors`."""
        return read_weights(self._path(part))

    def int8(self, part: Part) -> bool:
        """Whether a part's weights are kept in int8; see `Checkpoint.int8`."""
        return holds_int8(self._path(part))

    def source(self, part: Part) -> str:
        """The file of a part."""
        return str(self._path(part))

    def listener(self) -> tuple[dict[str, Tensor], str]:
        """The semantic tokenizer's weights, and their file; see `Checkpoint.listener`."""
        path = self.folder / "semantic_tokenizer.safetensors"
        return read_weights(path), str(path)

    def _path(self, part: Part) -> Path:
        return self.folder / f"{part}.safetensors"


def load_weights(
    module: nn.Module,
    path: str | os.PathLike[str],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> None:
    """Puts a safetensors file's tensors in place of a module's own; see `bark.checkpoints.base.assign`.

    Raises:
        CheckpointError: the file is missing or broken, or a tensor is missing, unknown or of another shape.
    """
    assign(module, read_weights(Path(path)), str(path), device=device, dtype=dtype)


def save_checkpoint(
    folder: str | os.PathLike[str],
    config: ModelConfig,
    modules: Mapping[str, nn.Module],
    tokenizer: str | os.PathLike[str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes a checkpoint, or some parts of one; `config.json` comes last, so that an unfinished one isn't found.

    Args:
        folder: made if it isn't there; parts of it that aren't given stay as they are.
        config: of the model.
        modules: by part: semantic, coarse, fine, codec, semantic_tokenizer.
        tokenizer: the `tokenizer.json` to copy.
        dtype: that floating-point tensors get; None keeps theirs.

    Raises:
        OutputError: something can't be written.
    """
    folder = Path(folder)
    make_folder(folder)
    for part, module in modules.items():
        save_tensors(module.state_dict(), folder / f"{part}.safetensors", dtype)
    if tokenizer is not None:
        with replacing(folder / TOKENIZER) as temporary:
            shutil.copyfile(tokenizer, temporary)
    text = json.dumps(config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8")
