import math

import pytest

from bark.evaluation.metrics import Edits, character_edits, interval, total, word_edits


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors", "words"),
    [
        ("the cat sat", "the cat sat", 0, 3),
        ("the cat sat", "the bat sat", 1, 3),  # a substitution
        ("the cat sat", "the sat", 1, 3),  # a deletion
        ("the cat sat", "so the cat sat down", 2, 3),  # two insertions
        ("the cat sat", "", 3, 3),
        ("", "thank you", 2, 0),
        ("", "", 0, 0),
    ],
)
def test_word_edits(reference: str, hypothesis: str, errors: int, words: int) -> None:
    pytest.importorskip("jiwer")
    assert word_edits(reference, hypothesis) == Edits(errors, words)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors", "characters"),
    [("the cat", "the bat", 1, 7), ("cat", "cats", 1, 3), ("你好吗", "你好", 1, 3), ("", "a", 1, 0), ("a", "", 1, 1)],
)
def test_character_edits(reference: str, hypothesis: str, errors: int, characters: int) -> None:
    pytest.importorskip("jiwer")
    assert character_edits(reference, hypothesis) == Edits(errors, characters)


def test_the_rate_of_a_set_is_over_all_its_words() -> None:
    edits = [Edits(1, 2), Edits(0, 8)]
    assert total(edits).rate == pytest.approx(0.1)  # the mean of the sentences' own rates would be 0.25
    assert math.isnan(total([]).rate)


def test_interval_holds_the_rate_and_is_always_the_same() -> None:
    edits = [Edits(int(i % 5 == 0), 10) for i in range(100)]
    low, high = interval(edits)
    assert 0.01 < low < total(edits).rate < high < 0.03
    assert interval(edits) == (low, high)


def test_interval_without_errors() -> None:
    assert interval([Edits(0, 5)] * 3) == (0.0, 0.0)
