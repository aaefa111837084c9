"""Residual vector quantisation, by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from bark.codec.quantizer import Codebook, ResidualVQ
from bark.training.codec import TrainableRVQ, perplexity


@pytest.fixture
def rvq() -> ResidualVQ:
    torch.manual_seed(0)
    return ResidualVQ(channels=6, n_codebooks=3, size=8, dim=3).eval()


@torch.inference_mode()
def test_nearest_entry() -> None:
    book = Codebook(4, 16, 3)
    x = torch.randn(2, 5, 4)
    points = F.normalize(book.down(x), dim=-1)
    distances = (points[..., None, :] - book.entries).square().sum(-1)
    assert torch.equal(book.encode(x), distances.argmin(-1))


@torch.inference_mode()
def test_each_book_takes_what_is_left(rvq: ResidualVQ) -> None:
    x = torch.randn(2, 5, 6)
    codes = rvq.encode(x, 3)
    assert codes.shape == (2, 3, 5)
    for k, book in enumerate(rvq.books):
        assert isinstance(book, Codebook)
        left = x - rvq.decode(codes[:, :k]) if k else x
        assert torch.equal(codes[:, k], book.encode(left))


@torch.inference_mode()
def test_fewer_books_are_the_first_of_all(rvq: ResidualVQ) -> None:
    x = torch.randn(1, 7, 6)
    assert torch.equal(rvq.encode(x, 2), rvq.encode(x, 3)[:, :2])


@torch.inference_mode()
def test_decode_is_the_sum(rvq: ResidualVQ) -> None:
    codes = torch.randint(0, 8, (2, 3, 5))
    parts = [book.decode(codes[:, k]) for k, book in enumerate(rvq.books)]  # type: ignore[operator]
    torch.testing.assert_close(rvq.decode(codes), sum(parts))


class TestInTraining:
    def test_forward_is_encode_and_decode(self, rvq: ResidualVQ) -> None:
        trainable = TrainableRVQ(rvq).eval()
        latent = torch.randn(4, 6, 6)
        books = torch.tensor([3, 1, 2, 3])
        with torch.no_grad():
            quantized, points, _ = trainable(latent, books)
            for row, count in enumerate(books.tolist()):
                codes = rvq.encode(latent[row : row + 1], count)
                torch.testing.assert_close(quantized[row : row + 1], rvq.decode(codes), rtol=1e-4, atol=1e-5)
                torch.testing.assert_close(points[row : row + 1], rvq.points(codes))

    def test_gradients_pass_straight_through(self, rvq: ResidualVQ) -> None:
        latent = torch.randn(2, 6, 6, requires_grad=True)
        quantized, _, distance = TrainableRVQ(rvq)(latent, torch.tensor([3, 3]))
        (quantized.square().sum() + distance).backward()
        assert latent.grad is not None
        assert float(latent.grad.abs().sum()) > 0

    def test_entries_follow_their_members(self, rvq: ResidualVQ) -> None:
        """Given the same points again and again, each comes to lie on an entry."""
        trainable = TrainableRVQ(rvq).train()
        latent = torch.randn(1, 6, 6)
        _, _, before = trainable(latent, torch.tensor([3]))
        for _ in range(200):
            _, _, after = trainable(latent, torch.tensor([3]))
        assert float(after.detach()) < 0.05 * float(before.detach())

    def test_unused_entries_are_brought_back(self) -> None:
        torch.manual_seed(0)
        rvq = ResidualVQ(channels=4, n_codebooks=1, size=16, dim=3)
        book = rvq.books[0]
        assert isinstance(book, Codebook)
        book.entries.copy_(F.normalize(torch.ones(16, 3) + 1e-3 * torch.randn(16, 3), dim=-1))
        trainable = TrainableRVQ(rvq).train()
        points = torch.randn(1, 400, 4)
        for _ in range(300):
            trainable(points, torch.tensor([1]))
        with torch.no_grad():
            assert perplexity(rvq.encode(points, 1), 16) > 10

    def test_evaluation_leaves_the_books(self, rvq: ResidualVQ) -> None:
        before = [book.entries.clone() for book in rvq.books]  # type: ignore[operator]
        TrainableRVQ(rvq).eval()(torch.randn(2, 4, 6), torch.tensor([3, 3]))
        assert all(torch.equal(a, book.entries) for a, book in zip(before, rvq.books, strict=True))  # type: ignore[arg-type]


def test_perplexity() -> None:
    assert perplexity(torch.arange(8).repeat(5), 8) == pytest.approx(8.0)
    assert perplexity(torch.zeros(10, dtype=torch.long), 8) == pytest.approx(1.0)
    assert perplexity(torch.tensor([0, 0, 3, 3]), 8) == pytest.approx(2.0)
