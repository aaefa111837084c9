"""How weights are kept on a CPU: in few bytes, and in the layout that is read fastest.

There a token is as quick as the weights are read, and a window as quick as they are multiplied. So the linear layers
may keep int8 or 16-bit weights and multiply in bfloat16, where the CPU does that well; what lies between them —
LayerNorms, attention with what was read before, the sum that runs through all layers, logits — stays float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.errors import OptionError
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.models.layers import Block

LetGo = Callable[[Tensor], None]

QUANTIZE = ("int8", "none")
CHUNK = 16 << 20  # bytes that are held twice for a moment
FEW_ROWS = 16  # up to here int8 weights are read as they are; for more rows it pays to unpack them
LARGE = 1 << 22  # numbers from which on an embedding or a head is worth keeping in 16 bits


def choose_quantize(asked: str | None, dtype: str | torch.dtype | None, device: torch.device) -> str | None:
    """What the weights are quantised to: what was asked for, else int8 on a CPU unless a dtype was asked for.

    Raises:
        OptionError: there is no such kind, or it doesn't go with the device or the dtype.
    """
    if asked is None:
        return "int8" if device.type == "cpu" and dtype is None and _has_int8() else None
    if asked not in QUANTIZE:
        raise OptionError(f"{asked!r} is not a way to quantise; say {' or '.join(QUANTIZE)}")
    if asked == "none":
        return None
    if device.type != "cpu":
        raise OptionError(f"quantize {asked} is for CPUs; on {device} say none, or nothing")
    if dtype not in (None, "float32", torch.float32):
        raise OptionError(f"quantize {asked} takes the place of the dtype {dtype}; give one of them")
    if not _has_int8():
        raise OptionError(f"quantize {asked}: this torch ({torch.__version__}) can't multiply by int8 weights")
    return asked


class HalfLinear(nn.Module):
    """A linear layer whose weight [out, in] is kept in bfloat16 or float16.

    Gives its own dtype for few rows, `product_dtype()` for many.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.to(dtype), requires_grad=False)
        self.bias = linear.bias if linear.bias is None else nn.Parameter(linear.bias.float(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        dtype = self.weight.dtype if _rows(x) <= FEW_ROWS else product_dtype()
        y = F.linear(x.to(dtype), self.weight.to(dtype))
        return y if self.bias is None else y + self.bias


class Int8Linear(nn.Module):
    """A linear layer whose weight is kept as whole numbers [out, in] and a scale for each row [out].

    Gives bfloat16 for few rows, `product_dtype()` for many.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantized(linear.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)
        self.bias = linear.bias if linear.bias is None else nn.Parameter(linear.bias.float(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        if _rows(x) <= FEW_ROWS:
            few = x.to(torch.bfloat16).reshape(-1, x.shape[-1])
            y = torch._weight_int8pack_mm(few, self.weight, self.scales).view(*x.shape[:-1], -1)
        else:
            dtype = product_dtype()
            y = F.linear(x.to(dtype), self.weight.to(dtype)) * self.scales.to(dtype)
        return y if self.bias is None else y + self.bias


def quantized(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers −127 … 127 [out, in] and scales [out] in bfloat16, whose product is nearest to a weight."""
    numbers = torch.empty(weight.shape, dtype=torch.int8)
    # measured against the scale as it is kept, so that its rounding is no error of a whole row
    scales = (weight.abs().amax(1).float() / 127).clamp(min=1e-30).to(torch.bfloat16)
    for row in range(0, len(weight), 256):
        some = weight[row : row + 256].float() / scales[row : row + 256, None].float()
        numbers[row : row + 256] = some.round().clamp(-127, 127)
    return numbers, scales


@torch.no_grad()
def pack(
    model: GPT | FineGPT,
    dtype: torch.dtype,
    quantize: str | None,
    let_go: LetGo = lambda stored: None,
) -> None:
    """Keeps a model's weights, on a CPU, as its stage reads them fastest.

    Args:
        model: with the weights as they are stored, in any dtype.
        dtype: of the linear layers where they aren't quantised.
        quantize: `int8`, or None. The fine model, whose windows are bound by products, keeps 16 bits instead.
        let_go: called with each weight as it was stored, or some rows of it, once they aren't needed any more.
    """
    half = dtype if dtype in (torch.bfloat16, torch.float16) else None
    for block in model.h:
        assert isinstance(block, Block)
        for owner, name, linear in _linears(block):
            stored = linear.weight
            setattr(owner, name, _packed(linear, half, quantize, isinstance(model, GPT)))
            if getattr(owner, name).weight.data_ptr() != stored.data_ptr():
                let_go(stored)
    _convert_others(model, None if half is None and quantize is None else torch.float16, let_go)


def _packed(linear: nn.Linear, half: torch.dtype | None, quantize: str | None, causal: bool) -> nn.Module:
    if quantize == "int8" and causal:
        return Int8Linear(linear)
    if quantize == "int8" and product_dtype() == torch.bfloat16:
        half = torch.bfloat16
    if half is not None:
        return HalfLinear(linear, half)
    weight = linear.weight.float()
    if causal:  # read for one row at a time, a weight that lies column after column is quicker by a quarter
        weight = weight.t().contiguous().t()
    linear.weight = nn.Parameter(weight, requires_grad=False)
    return linear.float()


def _linears(block: Block) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for owner in (block.attn, block.mlp):
        for name, module in owner.named_children():
            assert isinstance(module, nn.Linear)
            yield owner, name, module


def _convert_others(model: GPT | FineGPT, large: torch.dtype | None, let_go: LetGo) -> None:
    """Embeddings, heads and LayerNorms in float32, or, where they are large, in the dtype `large`; ties stay."""
    done: dict[int, nn.Parameter] = {}
    for owner in model.modules():
        if isinstance(owner, (HalfLinear, Int8Linear)):
            continue
        for name, old in list(owner.named_parameters(recurse=False)):
            if id(old) not in done:
                kept = large is not None and isinstance(model, GPT) and old.dim() == 2 and old.numel() > LARGE
                done[id(old)] = nn.Parameter(_converted(old, large if kept else None, let_go), requires_grad=False)
            setattr(owner, name, done[id(old)])


def _converted(stored: Tensor, dtype: torch.dtype | None, let_go: LetGo) -> Tensor:
    """The same in another dtype, float32 for None, without both being in memory at once."""
    dtype = dtype or torch.float32
    if stored.dtype == dtype:
        return stored.detach()
    result = torch.empty(stored.shape, dtype=dtype)
    rows = max(1, CHUNK * len(stored) // max(1, stored.nbytes))
    for row in range(0, len(stored), rows):
        result[row : row + rows] = stored[row : row + rows]
        let_go(stored[row : row + rows])
    return result


@cache
def product_dtype() -> torch.dtype:
    """In what this CPU multiplies matrices fastest: bfloat16 where it has instructions for that, else float32."""
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if has is not None and has() else torch.float32


def _has_int8() -> bool:
    return hasattr(torch, "_weight_int8pack_mm")


def _rows(x: Tensor) -> int:
    return x.numel() // x.shape[-1]
