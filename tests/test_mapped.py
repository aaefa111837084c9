"""Converting weights lets go of the file they were mapped to, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bark import mapped
from bark.checkpoints.pickles import read_pickle
from bark.checkpoints.tensors import read_tensors
from bark.mapped import convert


def resident(path: Path) -> int:
    """Bytes of a file that count as this process's memory."""
    if not Path("/proc/self/smaps").exists():
        pytest.skip("only Linux says what is resident")
    text = Path("/proc/self/smaps").read_text()
    return sum(int(size) << 10 for size in re.findall(rf"{re.escape(str(path))}\n(?:.*\n){{0,4}}?Rss: +(\d+) kB", text))


@pytest.mark.parametrize("form", ["pickle", "safetensors"])
def test_what_was_read_is_let_go(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "CHUNK", 1 << 20)
    weights = {"w": torch.arange(4 << 20, dtype=torch.float32).view(4096, 1024)}  # 16 MB
    path = tmp_path / f"weights.{form}"
    if form == "pickle":
        torch.save(weights, path)
        read = read_pickle(path)["w"]
    else:
        save_file(weights, path)
        read = read_tensors(path)["w"]
    assert torch.equal(read, weights["w"])
    assert resident(path) > 15 << 20
    half = convert(read, "cpu", torch.bfloat16)
    assert resident(path) < 1 << 20
    assert torch.equal(half, weights["w"].bfloat16())
    assert torch.equal(read, weights["w"])  # it comes back


@pytest.mark.parametrize("shape", [(3 << 20,), (5, 1 << 20), (2, 3, 4), (0, 4), (1,), ()])
def test_memory_without_a_file_is_left_alone(shape: tuple[int, ...]) -> None:
    tensor = torch.rand(shape) + 1
    before = tensor.clone()
    assert torch.equal(convert(tensor, "cpu", torch.float16), before.half())
    assert torch.equal(tensor, before)


def test_what_is_as_asked_is_taken_as_it_is() -> None:
    tensor = torch.rand(3, 4)
    assert convert(tensor, "cpu", torch.float32) is tensor


def test_a_view_that_is_not_in_one_piece() -> None:
    tensor = torch.rand(2000, 3000).T
    assert torch.equal(convert(tensor, "cpu", torch.bfloat16), tensor.bfloat16())


def test_where_nothing_is_told_of_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mapped, "MAPS", tmp_path / "none")
    tensor = torch.rand(1 << 20)
    assert torch.equal(convert(tensor, "cpu", torch.float64), tensor.double())
