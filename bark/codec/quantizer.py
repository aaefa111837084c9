"""Residual vector quantisation with small, normalised codebooks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Codebook(nn.Module):
    """One quantiser: projects to a few dimensions, takes the nearest entry on the unit sphere, projects back.

    Factorised and normalised lookup is from Improved VQGAN (Yu et al. 2021) by way of DAC (Kumar et al. 2023).
    Entries are not trained by gradients but follow their members (`bark.training.codec`).
    """

    entries: Tensor

    def __init__(self, channels: int, size: int, dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(channels, dim)
        self.up = nn.Linear(dim, channels)
        self.register_buffer("entries", F.normalize(torch.randn(size, dim), dim=-1))

    def encode(self, x: Tensor) -> Tensor:
        """[B, T, C] → entries' indices [B, T]."""
        return (self.project(x) @ self.entries.T).argmax(-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Indices [B, T] → [B, T, C]."""
        y: Tensor = self.up(F.embedding(codes, self.entries))
        return y

    def project(self, x: Tensor) -> Tensor:
        """[B, T, C] → points of the unit sphere [B, T, D]."""
        return F.normalize(self.down(x).float(), dim=-1)


class ResidualVQ(nn.Module):
    """Codebooks in a row, each quantising what the ones before left over."""

    def __init__(self, channels: int, n_codebooks: int, size: int, dim: int) -> None:
        super().__init__()
        self.books = nn.ModuleList(Codebook(channels, size, dim) for _ in range(n_codebooks))

    def encode(self, x: Tensor, n_codebooks: int) -> Tensor:
        """[B, T, C] → codes [B, K, T]."""
        codes = []
        for k in range(n_codebooks):
            book = self._book(k)
            codes.append(book.encode(x))
            x = x - book.decode(codes[-1])
        return torch.stack(codes, 1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] → [B, T, C]."""
        total = self._book(0).decode(codes[:, 0])
        for k in range(1, codes.shape[1]):
            total = total + self._book(k).decode(codes[:, k])
        return total

    def points(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] → their entries side by side [B, T, n_codebooks * D], zeros for books that aren't there."""
        found = [F.embedding(codes[:, k], self._book(k).entries) for k in range(codes.shape[1])]
        size = found[0].shape[-1]
        return F.pad(torch.cat(found, -1), (0, size * (len(self.books) - len(found))))

    def _book(self, k: int) -> Codebook:
        book = self.books[k]
        assert isinstance(book, Codebook)
        return book
