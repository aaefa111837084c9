"""The words that the teachers are asked to say, and the ones kept back for evaluation."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
WORDNET = Path("/usr/share/wordnet")  # Debian: apt-get install wordnet-base
_EXAMPLE = re.compile(r'"([^"]+)"')
_ALLOWED = re.compile(r"[A-Za-z][A-Za-z' ,.;:?!-]*[A-Za-z.?!]")


def evaluation_sentences(language: str = "en") -> list[str]:
    """The sentences that `evaluate` speaks; no corpus may contain one of them."""
    return _lines(HERE / "evaluation" / f"{language}.txt")


def own_sentences(language: str) -> list[str]:
    """The sentences written for this project."""
    return _lines(HERE / "texts" / f"{language}.txt")


def wordnet_sentences(root: Path = WORDNET) -> list[str]:
    """WordNet's example sentences, 3 to 18 words, made to look like sentences.

    Raises:
        FileNotFoundError: WordNet is not installed.
    """
    if not (root / "data.noun").exists():
        raise FileNotFoundError(
            f"no WordNet in {root}: on Debian `apt-get install wordnet-base` brings it; elsewhere name the folder that "
            "has its data.noun, data.verb, data.adj and data.adv"
        )
    found: dict[str, None] = {}
    for part in ("noun", "verb", "adj", "adv"):
        for line in (root / f"data.{part}").read_text(encoding="latin-1").splitlines():
            _, _, gloss = line.partition(" | ")
            for example in _EXAMPLE.findall(gloss):
                sentence = _as_sentence(example)
                if sentence:
                    found[sentence] = None
    return list(found)


def english_sentences(wordnet: Path = WORDNET) -> list[str]:
    """Everything English that may be spoken for training, without the evaluation sentences."""
    held_out = {_key(s) for s in evaluation_sentences("en")}
    pool = [*own_sentences("en"), *wordnet_sentences(wordnet)]
    return [s for s in pool if _key(s) not in held_out]


def utterances(sentences: list[str], seed: int, max_chars: int = 180) -> Iterator[str]:
    """Endless utterances of one to three sentences; every sentence comes up before any is repeated."""
    rng = random.Random(seed)
    while True:
        order = rng.sample(sentences, len(sentences))
        while order:
            utterance = order.pop()
            for _ in range(rng.choices((0, 1, 2), weights=(65, 25, 10))[0]):
                if order and len(utterance) + 1 + len(order[-1]) <= max_chars:
                    utterance = f"{utterance} {order.pop()}"
            if len(utterance) <= max_chars:
                yield utterance


def _as_sentence(example: str) -> str | None:
    text = re.sub(r"\s+", " ", example.replace("`", "'")).strip(" ,;:-")
    words = text.split()
    if not 3 <= len(words) <= 18 or not _ALLOWED.fullmatch(text) or ".." in text:
        return None
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else f"{text}."


def _key(sentence: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", sentence.lower()).strip()


def _lines(path: Path) -> list[str]:
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]
