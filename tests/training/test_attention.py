"""Heads that are told where to look."""

from __future__ import annotations

import math

import pytest
import torch

from bark.models.config import GPTConfig
from bark.models.gpt import GPT
from bark.training.attention import alignment_loss, mean_loss, present, run_trunk, sinusoids


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    gpt = GPT(GPTConfig(n_layer=2, n_head=2, n_embd=8, block_size=16, input_vocab=20, output_vocab=20))
    gpt.reset_parameters()
    return gpt


def test_the_trunk_is_the_models_own(model: GPT) -> None:
    embedded, positions = torch.randn(3, 7, 8), torch.arange(7)
    hidden, weights = run_trunk(model, embedded, positions, [(1, 0), (0, 1)])
    torch.testing.assert_close(hidden, model(embedded, positions))
    assert [w.shape for w in weights] == [(3, 7, 7)] * 2
    for each in weights:
        torch.testing.assert_close(each.sum(-1), torch.ones(3, 7))
        assert each.triu(1).abs().max() == 0, "a position looked ahead"


def test_weights_come_in_the_order_of_their_heads(model: GPT) -> None:
    embedded, positions = torch.randn(1, 5, 8), torch.arange(5)
    _, (a, b) = run_trunk(model, embedded, positions, [(1, 0), (0, 1)])
    _, (c, d) = run_trunk(model, embedded, positions, [(0, 1), (1, 0)])
    torch.testing.assert_close((a, b), (d, c))


def test_only_heads_that_are_there(model: GPT) -> None:
    assert present(model, [(0, 0), (1, 2), (2, 0), (1, 1, 3)]) == [(0, 0), (1, 1, 3)]


def test_alignment_loss_by_hand() -> None:
    weights = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]])
    column = torch.tensor([[0, 2]])
    exact = -(math.log(0.5) + math.log(0.7)) / 2
    near = -(math.log(0.75) + math.log(0.9)) / 2
    assert alignment_loss(weights, column, reach=0).item() == pytest.approx(exact, rel=1e-5)
    assert alignment_loss(weights, column, reach=1).item() == pytest.approx(near, rel=1e-5)


def test_what_nobody_knows_counts_nothing() -> None:
    weights = torch.tensor([[[0.5, 0.5], [0.1, 0.9]]])
    known = alignment_loss(weights, torch.tensor([[-1, 1]]), reach=0).item()
    assert known == pytest.approx(-math.log(0.9), rel=1e-5)
    assert alignment_loss(weights, torch.tensor([[-1, -1]]), reach=0).item() == 0
    assert alignment_loss(weights, torch.tensor([[-1, 9]]), reach=0).item() == 0, "a column that isn't there"


def test_mean_of_none_is_nothing() -> None:
    assert mean_loss([]).item() == 0
    assert mean_loss([torch.tensor(1.0), torch.tensor(3.0)]).item() == 2


def test_equal_places_have_equal_sinusoids() -> None:
    table = sinusoids(torch.tensor([0, 3, 3, 4]), 8)
    assert table.shape == (4, 8)
    torch.testing.assert_close(table[1], table[2])
    assert (table[2] - table[3]).abs().max() > 0.5
    torch.testing.assert_close(table.square().sum(-1), torch.full((4,), 4.0))
