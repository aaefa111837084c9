"""Texts in smaller pieces at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.text.tokenizer import train_tokenizer
from bark.training.subwords import Subwords, piece_of_character

TOKENIZER = train_tokenizer(["the boat left the harbour at dawn, and she said so"] * 30, 340, min_frequency=2)
TEXT = "The boat left the harbour at dawn."


def drop(dropout: float, text: str = TEXT, seed: int = 0) -> np.ndarray:
    subwords = Subwords(TOKENIZER, dropout)
    return subwords.dropped(subwords.whole(text), np.random.default_rng(seed))


def test_whole() -> None:
    pieces = Subwords(TOKENIZER, 0.5).whole(TEXT)
    assert pieces[:, 0].tolist() == TOKENIZER.encode(TEXT)
    assert [tuple(row) for row in pieces[:, 1:].tolist()] == TOKENIZER.spans(TEXT)
    assert Subwords(TOKENIZER, 0.5).whole("").shape == (0, 3)


def test_none_dropped() -> None:
    assert np.array_equal(drop(0.0), Subwords(TOKENIZER, 0.0).whole(TEXT))


def test_all_dropped() -> None:
    """Nothing but characters is left, each with its place."""
    pieces = drop(1.0)
    assert not set(pieces[:, 0].tolist()) & set(TOKENIZER.merges())
    for token, start, end in pieces.tolist():
        assert TOKENIZER.decode([token]).strip() == TEXT[start:end].strip().lower()


def test_same_generator_same_pieces() -> None:
    assert np.array_equal(drop(0.3, seed=1), drop(0.3, seed=1))
    assert any(len(drop(0.3, seed=1)) != len(drop(0.3, seed=s)) for s in range(2, 9))


def test_share() -> None:
    """Each piece that can be split is split with the probability asked for."""
    whole = Subwords(TOKENIZER, 0.2).whole(TEXT)
    can = sum(token in TOKENIZER.merges() for token in whole[:, 0].tolist())
    split = [can - sum(token in set(whole[:, 0].tolist()) for token in _big(drop(0.2, seed=s))) for s in range(300)]
    assert np.mean(split) / can == pytest.approx(0.2, abs=0.04)


def _big(pieces: np.ndarray) -> list[int]:
    return [token for token in pieces[:, 0].tolist() if token in TOKENIZER.merges()]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.floats(0, 1), st.integers(0, 9))
def test_any_text(text: str, dropout: float, seed: int) -> None:
    pieces = drop(dropout, text, seed)
    assert TOKENIZER.decode(pieces[:, 0].tolist()) == TOKENIZER.decode(TOKENIZER.encode(text))
    assert bool((pieces[:, 1] <= pieces[:, 2]).all())
    assert bool((np.diff(pieces[:, 1]) >= 0).all())
    assert not len(pieces) or pieces[:, 2].max() <= len(text)


class TestPieceOfCharacter:
    def test_by_hand(self) -> None:
        pieces = np.asarray([[9, 0, 2], [8, 2, 3], [7, 4, 6]])  # nothing holds character 3
        places = np.asarray([-1, 0, 1, 2, 3, 4, 5, 6, 99])
        assert piece_of_character(pieces, places).tolist() == [-1, 0, 0, 1, -1, 2, 2, -1, -1]

    def test_bytes_of_one_character(self) -> None:
        """Where several pieces hold a character, the last counts."""
        pieces = np.asarray([[1, 0, 1], [2, 1, 2], [3, 1, 2], [4, 1, 2], [5, 2, 3]])
        assert piece_of_character(pieces, np.asarray([0, 1, 2])).tolist() == [0, 3, 4]

    def test_no_pieces(self) -> None:
        assert piece_of_character(np.zeros((0, 3), np.int64), np.asarray([0, -1])).tolist() == [-1, -1]
