"""The sentences that pup is evaluated on: fit for it, and never trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipes.pup import texts

OTHERS = ("de", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
UNSPACED = {"ja", "zh"}


def sentences(language: str = "en") -> list[str]:
    return texts.evaluation_sentences(language)


def test_there_are_enough() -> None:
    assert len({key(text) for text in sentences()}) == len(sentences()) == 202
    for language in OTHERS:
        assert len({key(text) for text in sentences(language)}) == len(sentences(language)) == 105


@pytest.mark.parametrize("text", sentences())
def test_each_is_a_plain_sentence(text: str) -> None:
    assert 4 <= len(text.split()) <= 22
    assert len(text) <= 150
    assert text[0].isupper()
    assert text[-1] in ".?!"
    assert all(character.isalpha() or character in " ',.?!" for character in text)


@pytest.mark.parametrize("language", OTHERS)
def test_each_in_another_language_is_short(language: str) -> None:
    for text in sentences(language):
        assert len(text) <= 90
        assert language in UNSPACED or 3 <= len(text.split()) <= 15
        assert text[-1] in ".?!»”“।。？！"


@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_none_is_among_the_training_texts(language: str) -> None:
    files = sorted(Path(texts.__file__).parent.glob("texts/*.txt"))
    assert files
    trained = {key(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()}
    assert not trained & {key(text) for text in sentences(language)}


def test_none_is_an_example_of_wordnet() -> None:
    if not texts.WORDNET.is_dir():
        pytest.skip("WordNet isn't installed")
    assert not {key(text) for text in texts.wordnet_sentences()} & {key(text) for text in sentences()}


def key(text: str) -> str:
    """A text by its letters and figures alone."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
