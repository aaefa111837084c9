"""Muon beside PyTorch's, which computes in bfloat16 everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bark.training.muon import Muon, orthogonalized

SHAPES = [(8, 8), (6, 9), (6, 20), (20, 6), (1, 5)]


def matrix(shape: tuple[int, int], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_come_near_one_and_directions_stay(
    shape: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bark.training.muon.product_dtype", lambda: dtype)
    given = matrix(shape)
    found = orthogonalized(given)
    assert found.dtype == torch.float32
    assert found.shape == shape
    sizes = torch.linalg.svdvals(found)
    assert 0.5 < float(sizes.min()) <= float(sizes.max()) < 1.5
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    inside = left.T @ found @ right.T  # diagonal if the singular vectors are the same
    assert float((inside - inside.diagonal().diag()).abs().max()) < (1e-4 if dtype == torch.float32 else 0.05)


def test_nothing_stays_nothing() -> None:
    assert torch.equal(orthogonalized(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_those_of_pytorch(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bark.training.muon.product_dtype", lambda: torch.bfloat16)
    ours, theirs = nn.Parameter(matrix(shape)), nn.Parameter(matrix(shape))
    settings = {"lr": 0.1, "weight_decay": 0.05}
    pair = (
        (ours, Muon([ours], **settings)),
        (
            theirs,
            torch.optim.Muon([theirs], **settings, adjust_lr_fn="match_rms_adamw"),
        ),
    )
    for seed in range(1, 6):
        for parameter, optimizer in pair:
            parameter.grad = matrix(shape, seed)
            optimizer.step()
        torch.testing.assert_close(ours.detach(), theirs.detach(), rtol=0, atol=2e-2 * 0.1 * max(shape) ** 0.5)


def test_it_goes_on_from_a_state_of_pytorch_s() -> None:
    ours, theirs = nn.Parameter(matrix((4, 6))), nn.Parameter(matrix((4, 6)))
    before = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    theirs.grad = matrix((4, 6), 1)
    before.step()
    after = Muon([ours], lr=0.3)
    after.load_state_dict(before.state_dict())
    assert after.param_groups[0]["lr"] == 0.1
    assert torch.equal(after.state[ours]["momentum_buffer"], before.state[theirs]["momentum_buffer"])
    ours.grad = matrix((4, 6), 2)
    after.step()
    assert not torch.equal(ours.detach(), matrix((4, 6)))


def test_who_has_no_gradient_stays() -> None:
    parameter = nn.Parameter(matrix((3, 3)))
    Muon([parameter], lr=1.0, weight_decay=0.5).step()
    assert torch.equal(parameter.detach(), matrix((3, 3)))
