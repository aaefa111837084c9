"""Where to compute, and in what precision."""

from __future__ import annotations

import torch

from bark.errors import OptionError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(asked: str | torch.device | None = None) -> torch.device:
    """The device asked for, else the first CUDA GPU, else the CPU.

    Raises:
        OptionError: there is no such device here.
    """
    if asked is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise OptionError(f"{str(asked)!r} is not a device; say cpu, cuda, cuda:1 or mps") from error
    if not _available(device):
        raise OptionError(f"there is no device {str(asked)!r} on this machine; {_here()}")
    return device


def choose_dtype(asked: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    """The precision asked for, else bfloat16 on a CUDA GPU and float32 elsewhere.

    Raises:
        OptionError: weights can't be kept in it.
    """
    if asked is None:
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype = DTYPES.get(asked) if isinstance(asked, str) else asked
    if dtype is None or dtype not in DTYPES.values():
        raise OptionError(f"{str(asked)!r} is not a precision of weights; say {', '.join(DTYPES)}")
    return dtype


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
