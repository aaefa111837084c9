"""Word and character error rates over whole sets of sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bark.evaluation.packages import require


@dataclass(frozen=True)
class Edits:
    """What separates transcripts from what was to be said.

    Attributes:
        errors: substitutions, deletions and insertions.
        total: words, or characters, of the reference.
    """

    errors: int = 0
    total: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(self.errors + other.errors, self.total + other.total)

    @property
    def rate(self) -> float:
        """Errors to each word of the reference; above 1 where much was added. Not a number for no words."""
        return self.errors / self.total if self.total else float("nan")


def word_edits(reference: str, hypothesis: str) -> Edits:
    """Edits between the words of two normalised texts.

    Raises:
        BarkError: jiwer isn't installed.
    """
    if not reference:  # jiwer refuses these
        return Edits(len(hypothesis.split()), 0)
    found = require("jiwer").process_words(reference, hypothesis)
    return Edits(found.substitutions + found.deletions + found.insertions, len(reference.split()))


def character_edits(reference: str, hypothesis: str) -> Edits:
    """Edits between the characters of two normalised texts, spaces included.

    Raises:
        BarkError: jiwer isn't installed.
    """
    if not reference:
        return Edits(len(hypothesis), 0)
    found = require("jiwer").process_characters(reference, hypothesis)
    return Edits(found.substitutions + found.deletions + found.insertions, len(reference))


def total(edits: Iterable[Edits]) -> Edits:
    """All of them together: their rate is the corpus-level one, in which a long sentence weighs more."""
    return sum(edits, Edits())


def interval(edits: list[Edits], draws: int = 1000) -> tuple[float, float]:
    """95 % interval of the corpus-level rate, by drawing the sentences anew (bootstrap), always the same draws.

    Args:
        edits: of each sentence; at least one, with words in it.
    """
    counts = np.array([(e.errors, e.total) for e in edits], np.float64)  # [N, 2]
    picks = np.random.default_rng(0).integers(len(counts), size=(draws, len(counts)))
    errors, words = np.moveaxis(counts[picks].sum(axis=1), 1, 0)  # [draws] each
    low, high = np.quantile(errors / np.maximum(words, 1), (0.025, 0.975))
    return float(low), float(high)
