"""Texts in pieces: as the tokenizer makes them, and in smaller ones at random."""

from __future__ import annotations

import numpy as np

from bark.text.tokenizer import TextTokenizer
from bark.tokens import IntArray


class Subwords:
    """Splits pieces where their last merge joined them, each with the same probability, and their halves again.

    It teaches a model words in smaller pieces than it usually sees, as BPE-dropout does (Provilkov et al. 2020), but
    draws from a given generator, so that a batch can be drawn again.
    """

    def __init__(self, tokenizer: TextTokenizer, dropout: float) -> None:
        self._tokenizer, self._dropout = tokenizer, dropout
        self._merges = tokenizer.merges()

    def whole(self, text: str) -> IntArray:
        """Rows of id, first character and the one after the last, [N, 3]."""
        return np.asarray(self._tokenizer.pieces(text), np.int64).reshape(-1, 3)

    def dropped(self, pieces: IntArray, rng: np.random.Generator) -> IntArray:
        """The same text in at least as many pieces, [N', 3]."""
        chosen = rng.random(len(pieces)) < self._dropout
        if not chosen.any():
            return pieces
        rows: list[tuple[int, int, int]] = []
        for (token, start, end), split in zip(pieces.tolist(), chosen.tolist(), strict=True):
            rows += self._split(token, start, end, rng) if split else [(token, start, end)]
        return np.asarray(rows, np.int64)

    def _split(self, token: int, start: int, end: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
        if token not in self._merges:
            return [(token, start, end)]
        left, right, length, shares = self._merges[token]
        middle = max(start, end - length)  # a space before a word is part of its first piece
        rows = []
        for part in ((left, start, middle), (right, max(start, middle - shares), end)):
            rows += self._split(*part, rng) if rng.random() < self._dropout else [part]
        return rows


def piece_of_character(pieces: IntArray, characters: IntArray) -> IntArray:
    """For each character's place the index of the last piece that holds it, −1 where there is none.

    Args:
        pieces: rows of id, first character and the one after the last, by first character, [N, 3].
        characters: places in the text, −1 where unknown, [T].
    """
    if not len(pieces):
        return np.full(len(characters), -1)
    index = np.searchsorted(pieces[:, 1], characters, "right") - 1
    holds = (index >= 0) & (characters >= 0) & (characters < pieces[index, 2])
    return np.where(holds, index, -1)
