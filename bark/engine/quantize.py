"""How weights are kept on a CPU: in few bytes, and in the layout that is read fastest.

There a token is as quick as the weights are read, and a window as quick as they are multiplied. So the linear layers
may keep int8 or 16-bit weights and multiply windows in bfloat16, where the CPU does that well; what lies between them —
LayerNorms, the sum that runs through all layers, logits — stays float32. A token is computed in float32 throughout,
whatever the weights are kept in, where it can be compiled (`bark.engine.token_step`).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.engine.token_step import Dtypes, TokenStep, begin_compiling
from bark.errors import OptionError
from bark.mapped import convert
from bark.models.config import GPTConfig
from bark.models.cpu import has_matrix_units, product_dtype
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.models.int8 import quantized
from bark.models.layers import Block

QUANTIZE = ("int8", "none")
FEW_ROWS = 16  # up to here int8 weights are read as they are; for more rows it pays to unpack them
FEWEST_ROWS = 2  # the same for 16 bits that this CPU doesn't multiply itself: torch then reads them anew for each row
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


class FloatLinear(nn.Module):
    """A linear layer in float32."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight = _kept(layer.weight, torch.float32)
        self.bias = _bias(layer)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        return F.linear(x, self.weight, self.bias)


class HalfLinear(nn.Module):
    """A linear layer whose weight [out, in] is kept in bfloat16 or float16.

    Gives its own dtype for few rows, `product_dtype()` for many.
    """

    weight: Tensor

    def __init__(self, layer: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _kept(layer.weight, dtype)
        self.bias = _bias(layer)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        few = FEW_ROWS if self.weight.dtype == product_dtype() else FEWEST_ROWS
        dtype = self.weight.dtype if _rows(x) <= few else product_dtype()
        y = F.linear(x.to(dtype), self.weight.to(dtype))
        return y if self.bias is None else y + self.bias


class Int8Linear(nn.Module):
    """A linear layer whose weight is kept as whole numbers [out, in] and a scale for each row [out].

    Gives bfloat16 for few rows, `product_dtype()` for many.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight, scales = quantized(layer.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)
        self.bias = _bias(layer)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        *before, n_in = x.shape
        if x.numel() <= FEW_ROWS * n_in:
            few = x.bfloat16().reshape(-1, n_in)
            y = torch._weight_int8pack_mm(few, self.weight, self.scales).view(*before, -1)
        else:
            dtype = product_dtype()
            y = F.linear(x.to(dtype), self.weight.to(dtype)).mul_(self.scales.to(dtype))
        return y if self.bias is None else y + self.bias

    __call__ = forward


def foresee(config: GPTConfig, dtype: torch.dtype, quantize: str | None) -> None:
    """Has what `pack` is going to ask for compiled meanwhile, where there is a second thread for that; see there."""
    if torch.get_num_threads() == 1:
        return
    large = _large(dtype, quantize)

    def table(rows: int) -> torch.dtype:
        return large if large and rows * config.n_embd > LARGE else torch.float32

    linear = torch.int8 if quantize == "int8" else dtype
    cache = torch.bfloat16 if _narrow(dtype, quantize) else table(config.block_size)
    begin_compiling(config, Dtypes(linear, cache, table(config.input_vocab), table(config.output_vocab)))


@torch.no_grad()
def pack(model: GPT | FineGPT, dtype: torch.dtype, quantize: str | None) -> None:
    """Keeps a model's weights, on a CPU, as its stage reads them fastest.

    What was read of a mapped file is let go, weight by weight, unless it is used as it lies there.

    Args:
        model: with the weights as they are stored, in any dtype.
        dtype: of the linear layers where they aren't quantised.
        quantize: `int8`, or None. The fine model, whose windows are bound by products, keeps 16 bits instead.
    """
    half = _half(dtype)
    for block in model.h:
        assert isinstance(block, Block)
        for owner, name, layer in _linears(block):
            setattr(owner, name, _packed(layer, half, quantize, isinstance(model, GPT)))
    _convert_others(model, _large(dtype, quantize))
    _put_at_hand(model)
    if isinstance(model, GPT):
        _speed_up(model, _narrow(dtype, quantize))


def _half(dtype: torch.dtype) -> torch.dtype | None:
    """Of the linear layers, where it has 16 bits."""
    return dtype if dtype in (torch.bfloat16, torch.float16) else None


def _large(dtype: torch.dtype, quantize: str | None) -> torch.dtype | None:
    """Of large tables; None for that of all others."""
    return None if _half(dtype) is None and quantize is None else torch.float16


def _narrow(dtype: torch.dtype, quantize: str | None) -> bool:
    """Whether keys and values needn't be kept in more than bfloat16."""
    return quantize == "int8" or dtype == torch.bfloat16


def _speed_up(model: GPT, narrow: bool) -> None:
    """Has one token read by compiled code, and keys and values kept in bfloat16, if that is `narrow` enough.

    Only compiled code and CPUs with AMX attend to those as fast as to float32; with many they are faster, being half as
    much to read.
    """
    model.cache_dtype = torch.bfloat16 if narrow else None
    model.token_step = TokenStep.of(model)
    if model.token_step is None and not has_matrix_units():
        model.cache_dtype = None


def _packed(layer: nn.Linear, half: torch.dtype | None, quantize: str | None, causal: bool) -> nn.Module:
    if quantize == "int8" and causal:
        return Int8Linear(layer)
    if quantize == "int8" and product_dtype() == torch.bfloat16:
        half = torch.bfloat16
    return HalfLinear(layer, half) if half is not None else FloatLinear(layer)


def _linears(block: Block) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for owner in (block.attn, block.mlp):
        for name, module in owner.named_children():
            assert isinstance(module, nn.Linear)
            yield owner, name, module


def _convert_others(model: GPT | FineGPT, large: torch.dtype | None) -> None:
    """Embeddings, heads and LayerNorms in float32, or, where they are large, in the dtype `large`; ties stay."""
    done: dict[int, nn.Parameter] = {}
    for owner in model.modules():
        if isinstance(owner, (FloatLinear, HalfLinear, Int8Linear)):
            continue
        for name, old in list(owner.named_parameters(recurse=False)):
            if id(old) not in done:
                wide = isinstance(model, GPT) and old.dim() == 2 and old.numel() > LARGE
                done[id(old)] = _kept(old, large if wide and large else torch.float32)
            setattr(owner, name, done[id(old)])


def _put_at_hand(model: nn.Module) -> None:
    """Has each module find its parts at once: else Python looks elsewhere first, and words an error, for each of them.

    A token of pup asks for a part 150 times. Models that are packed stay where they are.
    """
    for module in model.modules():
        module.__dict__.update({**module._parameters, **module._buffers, **module._modules})


def _kept(stored: Tensor, dtype: torch.dtype) -> nn.Parameter:
    """The same in another dtype, without both being in memory at once."""
    return nn.Parameter(convert(stored.detach(), "cpu", dtype), requires_grad=False)


def _bias(layer: nn.Linear) -> nn.Parameter | None:
    return layer.bias if layer.bias is None else _kept(layer.bias, torch.float32)


def _has_int8() -> bool:
    return hasattr(torch, "_weight_int8pack_mm")


def _rows(x: Tensor) -> int:
    return x.numel() // x.shape[-1]
