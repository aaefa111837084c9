"""Weights on disk: safetensors files, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bark.checkpoints.tables import check_file
from bark.errors import CheckpointError, OutputError
from bark.files import replacing


def save_tensors(
    tensors: Mapping[str, Tensor], path: str | os.PathLike[str], dtype: torch.dtype | None = torch.float16
) -> None:
    """Writes floating-point tensors as `dtype` and others as they are; a tensor that is shared is kept once.

    Args:
        tensors: by name; the first name of a shared tensor is the one that is kept.
        path: of the file, which is replaced only by a whole one; its folder is made.
        dtype: None keeps each tensor's own.

    Raises:
        OutputError: the file can't be written.
    """
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen and tensor.numel():
            continue
        seen.add(tensor.data_ptr())
        tensor = tensor.detach().cpu()
        kept[name] = (tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor).contiguous()
    make_folder(Path(path).parent)
    with replacing(path) as temporary:
        try:
            save_file(kept, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            raise OutputError(f"can't write {path}: {error}") from error


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """All tensors of a file, mapped to it rather than read.

    Raises:
        CheckpointError: there is no such file, or it is broken.
    """
    check_file(Path(path))
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in list(file.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); it may have been cut short: copy it again"
        ) from error


def make_folder(folder: Path) -> None:
    """Makes a folder and those it is in, where they aren't there.

    Raises:
        OutputError: it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error
