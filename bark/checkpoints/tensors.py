"""Weights on disk: safetensors files, written whole or not at all.

A weight kept in int8 is two tensors: NAME, whole numbers [out, in], and NAME.scales [out]; see `bark.models.int8`.
"""

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
from bark.models.int8 import quantized, restored

SCALES = ".scales"  # after the name of a weight


def save_tensors(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    dtype: torch.dtype | None = torch.float16,
    *,
    int8: bool = False,
) -> None:
    """Writes floating-point tensors as `dtype` and others as they are; a tensor that is shared is kept once.

    Args:
        tensors: by name; the first name of a shared tensor is the one that is kept.
        path: of the file, which is replaced only by a whole one; its folder is made.
        dtype: None keeps each tensor's own.
        int8: True to keep matrices in int8, which in a GPT are linear layers, embeddings and heads.

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
        if int8 and tensor.dim() == 2 and tensor.is_floating_point():
            kept[name], kept[name + SCALES] = quantized(tensor)
        else:
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


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The weights of a file: those that it keeps in int8 in float32, others mapped to it.

    Raises:
        CheckpointError: there is no such file, it is broken, or its scales don't fit its numbers.
    """
    tensors = read_tensors(path)
    for name in [name for name, tensor in tensors.items() if tensor.dtype == torch.int8]:
        scales = _scales(name, tensors[name], tensors.pop(name + SCALES, None), str(path))
        tensors[name] = restored(tensors[name], scales)
    stray = next((name for name in tensors if name.endswith(SCALES)), None)
    if stray is not None:
        raise CheckpointError(f"{path} has {stray}, but no {stray.removesuffix(SCALES)} in int8 that it could be of")
    return tensors


def holds_int8(path: str | os.PathLike[str]) -> bool:
    """Whether a file keeps weights in int8; raises as `read_tensors` does."""
    return any(tensor.dtype == torch.int8 for tensor in read_tensors(path).values())


def _scales(name: str, numbers: Tensor, scales: Tensor | None, source: str) -> Tensor:
    """What was stored beside a weight's numbers, checked."""
    if scales is None:
        raise CheckpointError(f"{source} has {name} in int8, but misses {name}{SCALES}")
    if numbers.dim() != 2:
        raise CheckpointError(f"{source}: {name} is in int8, and of the shape {list(numbers.shape)}, not [out, in]")
    if list(scales.shape) != [len(numbers)] or not scales.is_floating_point():
        found = f"{str(scales.dtype).removeprefix('torch.')} {list(scales.shape)}"
        raise CheckpointError(
            f"{source}: {name}{SCALES} is {found}, but each of the {len(numbers)} rows needs a floating-point number"
        )
    if not bool(((scales > 0) & scales.isfinite()).all()):
        raise CheckpointError(f"{source}: {name}{SCALES} holds values that are not finite numbers above 0")
    return scales


def make_folder(folder: Path) -> None:
    """Makes a folder and those it is in, where they aren't there.

    Raises:
        OutputError: it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error
