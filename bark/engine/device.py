"""Where to compute, and in what precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bark.errors import OptionError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(asked: str | torch.device | None = None, mps: bool = False) -> torch.device:
    """The device asked for, else the first CUDA GPU, else an Apple GPU if it may be one, else the CPU.

    Args:
        asked: for example `cuda:1`; None chooses.
        mps: whether an Apple GPU may be chosen. It must be asked for, as in the original: not every one of torch's
            operations is there yet, and draws differ from those of a CPU.

    Raises:
        OptionError: there is no such device here; the text says why.
    """
    if asked is None:
        return torch.device(_best(mps))
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise OptionError(f"{str(asked)!r} is not a device; say cpu, cuda, cuda:1 or mps") from error
    if not _available(device):
        reason = {"cuda": why_no_cuda(), "mps": why_no_mps()}.get(device.type, "")
        why = f": {reason}" if reason else ""
        raise OptionError(f"there is no device {str(asked)!r} on this machine{why}; {_here()}")
    return device


def choose_dtype(asked: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    """The precision asked for, else bfloat16 on a CUDA GPU that computes in it and float32 elsewhere.

    Raises:
        OptionError: weights can't be kept in it.
    """
    if asked is None:
        return torch.bfloat16 if device.type == "cuda" and _has_bfloat16(device) else torch.float32
    dtype = DTYPES.get(asked) if isinstance(asked, str) else asked
    if dtype is None or dtype not in DTYPES.values():
        raise OptionError(f"{str(asked)!r} is not a precision of weights; say {', '.join(DTYPES)}")
    return dtype


def codec_device(device: torch.device) -> torch.device:
    """Where the codec computes: not on an Apple GPU, as in the original, whose codec doesn't run there."""
    return torch.device("cpu") if device.type == "mps" else device


def why_no_cuda() -> str:
    """Why no CUDA GPU can be used; empty where one can."""
    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return f"this torch ({torch.__version__}) is built without CUDA"
    return "torch sees no CUDA GPU; look at nvidia-smi, and whether CUDA_VISIBLE_DEVICES hides it"


def why_no_mps() -> str:
    """Why no Apple GPU can be used; empty where one can."""
    if torch.backends.mps.is_available():
        return ""
    if not torch.backends.mps.is_built():
        return f"this torch ({torch.__version__}) is built without MPS, which is for Macs"
    return "torch sees no Apple GPU; MPS needs macOS 12.3 or later"


def shared_generator(device: torch.device) -> torch.Generator:
    """Torch's own source of draws on a device, the one that `torch.manual_seed` seeds."""
    if device.type == "cuda":
        current = torch.cuda.current_device()  # until torch has looked at its GPUs, it has no sources of draws
        generator: torch.Generator = torch.cuda.default_generators[current if device.index is None else device.index]
        return generator
    if device.type == "mps":
        from torch.mps import _get_default_mps_generator

        return _get_default_mps_generator()
    return torch.default_generator


@contextmanager
def visiting(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Has a module on a device for the length of the block, and then back, without copying it back.

    Its own weights stay where they are, and stand aside for copies. Weights that it shares stay shared.
    """
    copies: dict[int, Tensor] = {}
    home = list(_slots(module))
    try:
        for owner, name, tensor in home:
            if id(tensor) not in copies:
                copies[id(tensor)] = _copy(tensor, device)
            setattr(owner, name, copies[id(tensor)])
        _flatten(module)
        yield
    finally:
        for owner, name, tensor in home:
            setattr(owner, name, tensor)
        copies.clear()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _slots(module: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for owner in module.modules():
        for table in (owner._parameters, owner._buffers):
            yield from ((owner, name, tensor) for name, tensor in table.items() if tensor is not None)


def _copy(tensor: Tensor, device: torch.device) -> Tensor:
    copy = tensor.detach().to(device)
    return nn.Parameter(copy, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copy


def _flatten(module: nn.Module) -> None:
    """Lays each LSTM's weights side by side, as cuDNN wants them."""
    for part in module.modules():
        if isinstance(part, nn.RNNBase):
            part.flatten_parameters()


def _best(mps: bool) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if mps and torch.backends.mps.is_available() else "cpu"


def _has_bfloat16(device: torch.device) -> bool:
    """Whether it computes in bfloat16 itself (NVIDIA's do from Ampere on), rather than by way of float32."""
    return torch.version.hip is not None or torch.cuda.get_device_capability(device)[0] >= 8


def _available(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def _here() -> str:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ["cpu", *(f"cuda:{i}" for i in range(gpus)), *(["mps"] if torch.backends.mps.is_available() else [])]
    return f"there is {', '.join(names)}"
