"""Sentences in Bark's thirteen languages, and a vocabulary in BERT's form made of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TEXTS = Path(__file__).parent.parent.parent / "recipes" / "pup" / "texts"
LANGUAGES = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def sentences(each: int) -> list[str]:
    """As many of every language."""
    return [line for name in LANGUAGES for line in (TEXTS / f"{name}.txt").read_text("utf-8").splitlines()[:each]]


def write_vocabulary(folder: Path, lines: list[str], size: int = 8_000) -> Path:
    """Writes a `vocab.txt` of characters, frequent words and their frequent ends, in an order that means nothing."""
    words = Counter(word.strip(".,!?;:…«»“”\"'") for line in lines for word in line.split())
    ends: Counter[str] = Counter()
    for word, count in words.items():
        ends.update({f"##{word[i:]}": count for i in range(1, len(word))})
    characters = sorted({c for line in lines for c in line if not c.isspace()} | {chr(c) for c in range(33, 127)})
    pieces = [*characters, *(f"##{c}" for c in characters)]
    pieces += [piece for piece, _ in (words + ends).most_common() if piece]
    path = folder / "vocab.txt"
    unique = dict.fromkeys([*SPECIAL, *pieces])
    path.write_text("\n".join(list(unique)[:size]) + "\n", encoding="utf-8")
    return path
