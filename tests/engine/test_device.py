"""The device and the precision that are asked for, or a reason why not."""

from __future__ import annotations

import pytest
import torch

from bark.engine.device import choose_device, choose_dtype, codec_device, shared_generator, visiting
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


def test_an_apple_gpu_is_taken_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device() == CPU
    assert choose_device(mps=True) == choose_device("mps") == torch.device("mps")
    assert choose_dtype(None, torch.device("mps")) == torch.float32
    assert codec_device(torch.device("mps")) == CPU
    assert codec_device(torch.device("cuda")) == torch.device("cuda")


def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for cuda, reason in (
        (None, r"this torch \(.*\) is built without CUDA; there is cpu"),
        ("12.8", "torch sees no CUDA GPU; look at nvidia-smi"),
    ):
        monkeypatch.setattr(torch.version, "cuda", cuda)
        with pytest.raises(OptionError, match=f"there is no device 'cuda' on this machine: {reason}"):
            choose_device("cuda")
    for built, reason in ((False, "is built without MPS"), (True, r"MPS needs macOS 12\.3")):
        monkeypatch.setattr(torch.backends.mps, "is_built", lambda built=built: built)
        with pytest.raises(OptionError, match=f"there is no device 'mps' on this machine: .*{reason}"):
            choose_device("mps")


def test_bfloat16_where_a_gpu_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability, dtype in (((9, 0), torch.bfloat16), ((8, 0), torch.bfloat16), ((7, 5), torch.float32)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, found=capability: found)
        assert choose_dtype(None, torch.device("cuda")) == dtype


def test_a_visitor_goes_home_as_it_was() -> None:
    module = torch.nn.Sequential(torch.nn.Embedding(3, 4), torch.nn.Linear(4, 3, bias=False), torch.nn.LSTM(4, 4))
    module[1].weight = module[0].weight
    module.register_buffer("window", torch.ones(2))
    before = dict(module.state_dict(keep_vars=True))
    with pytest.raises(ZeroDivisionError), visiting(module, torch.device("meta")):
        assert all(tensor.is_meta for tensor in module.state_dict().values())
        assert module[1].weight is module[0].weight
        assert all(weight.is_meta for weight in module[2]._flat_weights)
        raise ZeroDivisionError
    after = module.state_dict(keep_vars=True)
    assert all(after[name] is tensor for name, tensor in before.items())
    assert not any(weight.is_meta for weight in module[2]._flat_weights)


def test_torchs_own_source_of_draws() -> None:
    torch.manual_seed(4)
    first = torch.rand(3)
    torch.manual_seed(4)
    assert torch.equal(torch.rand(3, generator=shared_generator(CPU)), first)


def test_precision() -> None:
    assert choose_dtype(None, CPU) == torch.float32
    assert choose_dtype("float16", CPU) == choose_dtype(torch.float16, CPU) == torch.float16
    for nonsense in ("fp4", torch.int8):
        with pytest.raises(OptionError, match="not a precision of weights; say float32"):
            choose_dtype(nonsense, CPU)
