"""Parts are loaded when they are needed, and are on their device while they work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import bark.parts
from bark.checkpoints.opening import open_model
from bark.parts import Parts
from bark.pipeline import Bark
from bark.result import Generation

CPU = torch.device("cpu")


@pytest.fixture
def parts(checkpoint: Path) -> Parts:
    return Parts(open_model(checkpoint), CPU, torch.float32)


def test_a_part_is_loaded_once(parts: Parts) -> None:
    with parts.coarse() as stage, parts.coarse() as same:
        assert stage is same
        assert parts.module("coarse") is stage.model
    parts.load()
    assert parts.module("coarse") is stage.model
    parts.unload("coarse")
    assert parts.module("coarse") is not stage.model
    fine = parts.module("fine")
    parts.unload()
    assert parts.module("fine") is not fine


def test_offloading_means_nothing_on_a_cpu(checkpoint: Path) -> None:
    assert not Parts(open_model(checkpoint), CPU, torch.float32, offload=True).offload


def test_each_part_is_on_the_device_only_while_it_works(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextmanager
    def visiting(module: nn.Module, device: torch.device) -> Iterator[None]:
        assert device == torch.device("cuda:0")
        told.append(type(module).__name__)
        yield
        told.append("home")

    plain = Bark(checkpoint, device="cpu").generate("Hello", seed=1)
    monkeypatch.setattr(bark.parts, "visiting", visiting)
    speaker = Bark(checkpoint, device="cpu", offload=True)
    speaker.parts.offload = True
    speaker.parts._place = lambda part: torch.device("cuda:0")  # type: ignore[method-assign]
    offloaded: Generation = speaker.generate("Hello", seed=1)
    assert told == ["GPT", "home", "GPT", "home", "FineGPT", "home", "PupCodec", "home"]
    np.testing.assert_array_equal(offloaded.audio, plain.audio)


def test_a_model_says_what_it_is(checkpoint: Path) -> None:
    assert repr(Bark(checkpoint, device="cpu", dtype="bfloat16")) == "tiny on cpu in bfloat16"
