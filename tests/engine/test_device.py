"""The device and the precision that are asked for, or a reason why not."""

from __future__ import annotations

import pytest
import torch

from bark.engine.device import choose_device, choose_dtype
from bark.errors import OptionError

CPU = torch.device("cpu")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == torch.device("cuda")


def test_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(OptionError, match="no device 'cuda:1' on this machine; there is cpu, cuda:0"):
        choose_device("cuda:1")
    with pytest.raises(OptionError, match="no device 'meta'"):
        choose_device("meta")


def test_what_is_no_device() -> None:
    with pytest.raises(OptionError, match="'gpu' is not a device; say cpu"):
        choose_device("gpu")


def test_precision() -> None:
    assert choose_dtype(None, CPU) == torch.float32
    assert choose_dtype(None, torch.device("cuda")) == torch.bfloat16
    assert choose_dtype("float16", CPU) == choose_dtype(torch.float16, CPU) == torch.float16
    for nonsense in ("fp4", torch.int8):
        with pytest.raises(OptionError, match="not a precision of weights; say float32"):
            choose_dtype(nonsense, CPU)
