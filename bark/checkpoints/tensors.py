"""Weights on disk: safetensors files, half precision, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor


def save_tensors(tensors: Mapping[str, Tensor], path: Path, dtype: torch.dtype = torch.float16) -> None:
    """Writes floating-point tensors as `dtype` and others as they are; a tensor that is shared is kept once.

    Args:
        tensors: by name; the first name of a shared tensor is the one that is kept.
        path: of the file, which is replaced only by a whole one.
    """
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen and tensor.numel():
            continue
        seen.add(tensor.data_ptr())
        tensor = tensor.detach().cpu()
        kept[name] = (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    save_file(kept, temporary)
    os.replace(temporary, path)
