"""Attention in its several ways, against the formula."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bark.models import layers
from bark.models.config import FineGPTConfig, GPTConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.models.layers import attend


def by_formula(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Of the last T of S positions, one query after another, in double precision."""
    rows = []
    before = key.shape[2] - query.shape[2]
    for t in range(query.shape[2]):
        seen = before + t + 1 if causal else key.shape[2]
        scores = (query[:, :, t, None].double() @ key[:, :, :seen].double().transpose(2, 3)) / query.shape[-1] ** 0.5
        rows.append(scores.softmax(-1) @ value[:, :, :seen].double())
    return torch.cat(rows, dim=2).float()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("new", "seen"), [(1, 1), (1, 9), (9, 9), (5, 9), (13, 13), (4, 30)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("amx", [True, False])
def test_attend(
    causal: bool,
    new: int,
    seen: int,
    dtype: torch.dtype,
    tolerance: float,
    grad: bool,
    amx: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layers, "ATTENTION_BLOCK", 4)
    monkeypatch.setattr(layers, "has_matrix_units", lambda: amx)
    generator = torch.Generator().manual_seed(new * 31 + seen)
    query, key, value = (torch.randn(2, 3, length, 8, generator=generator).to(dtype) for length in (new, seen, seen))
    with torch.set_grad_enabled(grad):
        found = attend(query, key, value, causal)
    assert torch.allclose(found.float(), by_formula(query, key, value, causal), atol=tolerance)


@pytest.mark.parametrize("tail", [1, 3, 12])
@torch.inference_mode()
def test_the_tail_is_the_end_of_all(tail: int) -> None:
    torch.manual_seed(0)
    causal = GPT(GPTConfig(2, 2, 16, 32, input_vocab=9, output_vocab=9)).eval()
    x, positions = torch.randn(2, 12, 16), torch.arange(12)
    assert torch.allclose(causal(x, positions, tail=tail), causal(x, positions)[:, -tail:], atol=1e-5)
    fine = FineGPT(FineGPTConfig(2, 2, 16, 32, vocab=9, n_codebooks=4)).eval()
    codes = torch.randint(9, (2, 12, 4))
    assert torch.allclose(fine(2, codes, tail=tail), fine(2, codes)[:, -tail:], atol=1e-5)
