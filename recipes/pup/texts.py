"""The words that the teachers are asked to say, and the ones kept back for evaluation."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from recipes.pup import help_texts, templates

HERE = Path(__file__).parent
WORDNET = Path("/usr/share/wordnet")  # Debian: apt-get install wordnet-base
_EXAMPLE = re.compile(r'"([^"]+)"')
UNSPACED = {"ja", "zh"}  # sentences follow each other without a space
MAX_CHARS = {"hi": 130, "ja": 60, "ko": 80, "zh": 45}  # of an utterance, about ten seconds
TEMPLATES = 400  # sentences of numbers, dates and names
HELP = 1600  # sentences of LibreOffice's help
_ALLOWED = re.compile(r"[A-Za-z][A-Za-z' ,.;:?!-]*[A-Za-z.?!]")


def evaluation_sentences(language: str = "en") -> list[str]:
    """The sentences that `evaluate` speaks; no corpus may contain one of them. None where there is no such file."""
    path = HERE / "evaluation" / f"{language}.txt"
    return _lines(path) if path.exists() else []


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


def sentences(language: str, wordnet: Path = WORDNET, fetched: Path = Path("work/texts")) -> list[str]:
    """Everything that may be spoken for training, without the evaluation sentences.

    English is this project's own and WordNet's. In other languages the own sentences come twice, for they are what
    people say to each other; the others are of numbers and names, with some English in them, and LibreOffice's help.

    Args:
        language: two letters.
        wordnet: folder of WordNet.
        fetched: where sentences of packages are kept.

    Raises:
        FileNotFoundError: WordNet is not installed.
        BarkError: a package can't be fetched, or one that the templates need isn't installed.
    """
    if language == "en":
        return english_sentences(wordnet)
    held_out = {_key(s) for s in evaluation_sentences(language)}
    own = own_sentences(language)
    pool = [*own, *own, *templates.switched(language), *templates.sentences(language, TEMPLATES)]
    pool += help_texts.sentences(language, fetched, HELP)
    return [s for s in pool if _key(s) not in held_out]


def utterances(sentences: list[str], seed: int, max_chars: int = 180, space: str = " ") -> Iterator[str]:
    """Endless utterances of one to three sentences; every sentence comes up before any is repeated."""
    rng = random.Random(seed)
    while True:
        order = rng.sample(sentences, len(sentences))
        while order:
            utterance = order.pop()
            for _ in range(rng.choices((0, 1, 2), weights=(65, 25, 10))[0]):
                if order and len(utterance) + len(space) + len(order[-1]) <= max_chars:
                    utterance = f"{utterance}{space}{order.pop()}"
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
    return " ".join(re.sub(r"[\W_]+", " ", sentence.lower()).split())


def _lines(path: Path) -> list[str]:
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]
