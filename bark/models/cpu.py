"""What the CPU at hand multiplies well."""

from __future__ import annotations

from functools import cache

import torch


@cache
def product_dtype() -> torch.dtype:
    """In what it multiplies matrices fastest: bfloat16 where it has instructions for that, else float32."""
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if has is not None and has() else torch.float32


@cache
def has_matrix_units() -> bool:
    """Whether it multiplies blocks of bfloat16 by AMX; torch's fused attention is then quickest in bfloat16."""
    has = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return has is not None and bool(has())
