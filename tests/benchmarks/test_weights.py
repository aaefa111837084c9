"""All forms hold the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch

from bark.checkpoints.base import Checkpoint
from bark.checkpoints.opening import open_checkpoint
from bark.parts import PARTS
from benchmarks.shapes import TINY
from benchmarks.weights import random_part, write_weights


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(write_weights(TINY, tmp_path_factory.mktemp("native") / "tiny", "native"))


def check(found: Checkpoint, native: Checkpoint) -> None:
    for part in PARTS:
        expected, tensors = native.tensors(part), found.tensors(part)
        assert set(tensors) == set(expected)
        for name, tensor in expected.items():
            # of the codec, weight norms are multiplied out again
            torch.testing.assert_close(tensors[name], tensor, rtol=1e-5 if part == "codec" else 0, atol=1e-7)


def test_suno(native: Checkpoint, tmp_path: Path) -> None:
    folder = write_weights(TINY, tmp_path / "suno", "suno", optimizer=True)
    found = open_checkpoint(folder)
    assert found.config.semantic == TINY.semantic
    assert found.config.fine == TINY.fine
    check(found, native)
    plain = write_weights(TINY, tmp_path / "plain", "suno")
    assert (folder / "fine.pt").stat().st_size > 2 * (plain / "fine.pt").stat().st_size


def test_huggingface(native: Checkpoint, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    found = open_checkpoint(write_weights(TINY, tmp_path / "hf", "huggingface"))
    assert found.config.tokens == TINY.tokens
    check(found, native)


def test_the_same_again() -> None:
    a, b = (cast(torch.nn.Module, random_part(TINY, "coarse")).state_dict() for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)
