"""`bark doctor`: what would be used and why, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bark.engine import token_step

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "SUNO_USE_SMALL_MODELS", "SUNO_OFFLOAD_CPU"):
        monkeypatch.delenv(name, raising=False)


def test_all_is_well(call: Call, checkpoint: Path) -> None:
    outcome = call("doctor", "--verify")
    said = outcome.out.decode()
    assert (outcome.status, outcome.err) == (0, "")
    assert "device     cpu, as BARK_DEVICE says" in said
    assert "precision  int8, as is usual there" in said
    assert f"model      {checkpoint}, as BARK_MODEL says" in said
    assert f"looked in  {checkpoint}: config.json is there" in said
    assert "voices     3" in said
    assert said.endswith("It could speak.\n")


@pytest.mark.parametrize(
    ("asked", "environment", "says"),
    [
        (["--dtype=bfloat16"], {}, "bfloat16, as --dtype says"),
        (["--quantize=none"], {"BARK_QUANTIZE": "int8"}, "float32, as --quantize says"),
        ([], {"BARK_DTYPE": "float32"}, "float32, as BARK_DTYPE says"),
        ([], {"BARK_QUANTIZE": "none"}, "float32, as BARK_QUANTIZE says"),
    ],
)
def test_the_precision(
    asked: list[str], environment: dict[str, str], says: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert f"precision  {says}\n" in call("doctor", *asked).out.decode()


@pytest.mark.parametrize("why", ["", "llvmlite isn't installed"])
def test_what_makes_tokens(why: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_step, "why_not_compiled", lambda: why)
    said = call("doctor").out.decode()
    assert (
        f"tokens     {f'by torch, which takes two to three times as long: {why}' if why else 'by compiled code'}\n"
        in said
    )


def test_why_there_is_no_gpu(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BARK_DEVICE")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "cpu, because this torch" in call("doctor").out.decode()
    monkeypatch.setenv("SUNO_ENABLE_MPS", "1")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
    said = call("doctor", "--offload").out.decode()
    assert "because torch sees no CUDA GPU; look at nvidia-smi" in said
    assert "and torch sees no Apple GPU; MPS needs macOS 12.3 or later" in said
    assert "offloading yes, as --offload says, which changes nothing on a CPU" in said


def test_a_device_that_is_not_here(call: Call) -> None:
    outcome = call("doctor", "--device", "cuda")
    assert outcome.status == 1
    assert "missing    there is no device 'cuda' on this machine: " in outcome.out.decode()
    assert outcome.err == "bark: it can't speak as it was asked to; what is missing is said above\n"


def test_where_weights_were_looked_for(call: Call, tmp_path: Path) -> None:
    outcome = call("doctor", "--model", "suno/bark", "--small")
    said = outcome.out.decode()
    assert outcome.status == 1
    assert f"looked in  {tmp_path / 'cache' / 'suno' / 'bark_v0'}: nothing" in said
    assert "missing    the model suno/bark: `bark models download suno/bark" in said


def test_what_is_missing_of_a_model(call: Call, own_checkpoint: Path) -> None:
    (own_checkpoint / "codec.safetensors").unlink()
    (own_checkpoint / "tokenizer.json").unlink()
    outcome = call("doctor", "--model", str(own_checkpoint))
    missing = [line for line in outcome.out.decode().splitlines() if line.startswith("missing ")]
    assert outcome.status == 1
    assert len(missing) == 2
    assert "codec.safetensors is missing" in missing[0]
    assert "there is no tokenizer.json" in missing[1]
