"""Text to the ids that the semantic stage reads, by a 🤗 `tokenizers` file kept with the model."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bark.errors import CheckpointError
from bark.text.tags import TAG

BYTES = [f"<0x{value:02X}>" for value in range(256)]  # what a character outside the vocabulary falls back to
CAPITALS = "⇧"  # a piece before a word in capitals, whose own pieces are those of small letters
WORD = re.compile(rf"{TAG.pattern}|(?<![^\W_])[^\W\d_](?:[\w'’-]*[^\W_])(?![^\W_])")
SPACE = "▁"  # before a word, as tokenizers write it
SEEN = 2  # a letter seen as often has an id
MARKS = list("…—–-’‘“”♪[]()&%$€£")  # worth an id of their own, however rare the texts have them


class TextTokenizer:
    """Encodes text; any text encodes to something, and the empty text to nothing."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._capitals = tokenizer.token_to_id(CAPITALS) is not None

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> TextTokenizer:
        """Reads a `tokenizer.json`.

        Raises:
            CheckpointError: there is no such file, or it isn't a tokenizer.
        """
        try:
            return cls(Tokenizer.from_str(Path(path).read_text(encoding="utf-8")))
        except Exception as error:  # tokenizers raises bare Exception for a file that it can't read
            raise CheckpointError(f"{path}: not a tokenizer file ({error})") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the `tokenizer.json` that `from_file` reads."""
        Path(path).write_text(self._tokenizer.to_str(pretty=False), encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        """Ids are 0 … vocab_size − 1."""
        return max(self._tokenizer.get_vocab().values(), default=-1) + 1  # not their number: ids may have gaps

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens."""
        return [token for token, _, _ in self.pieces(text)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """For each id of `encode(text)`, the characters [start, end) of the text that it stands for."""
        return [(start, end) for _, start, end in self.pieces(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of some ids, up to what normalisation dropped."""
        return unicodedata.normalize("NFC", self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def pieces(self, text: str) -> list[tuple[int, int, int]]:
        """`encode` and `spans` in one: for each id the id, the start and the end of its characters."""
        marked, places = mark_capitals(text) if self._capitals else (text, None)
        encoding = self._tokenizer.encode(marked, add_special_tokens=False)
        spans = encoding.offsets if places is None else [(places[a], places[b]) for a, b in encoding.offsets]
        return [(token, start, end) for token, (start, end) in zip(encoding.ids, spans, strict=True)]

    def vocabulary(self) -> dict[str, int]:
        """All pieces, and their ids."""
        found: dict[str, int] = self._tokenizer.get_vocab()
        return found

    def merges(self) -> dict[int, Merge]:
        """For each id made of two, these."""
        model = json.loads(self._tokenizer.to_str())["model"]
        ids = model["vocab"]
        pairs = (pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"])
        return {ids[left + right]: Merge(ids[left], ids[right], *_length(right)) for left, right in pairs}


class Merge(NamedTuple):
    """Two ids that one stands for.

    Attributes:
        length: characters that begin in the second.
        shares: whether the second begins within a character, as a vowel of Hangul does.
    """

    left: int
    right: int
    length: int
    shares: bool


def _length(piece: str) -> tuple[int, bool]:
    within = [bool(unicodedata.combining(sign)) or "\u1160" <= sign <= "\u11ff" for sign in piece]
    return within.count(False), within[0]


def mark_capitals(text: str) -> tuple[str, list[int]]:
    """A text with `CAPITALS` before each word of two or more letters, all capital, unless most of the text is so.

    Tags in brackets are no words.

    Returns:
        The text, and for each place in it the one in the text that was given; one more than it has characters.
    """
    words = ((found.start(), found[0]) for found in WORD.finditer(text) if found[0][0] != "[")
    loud = [start for start, word in words if word.isupper() and sum(map(str.isupper, word)) > 1]
    if not loud or sum(map(str.isupper, text)) > sum(map(str.islower, text)):
        return text, list(range(len(text) + 1))
    parts: list[str] = []
    places: list[int] = []
    before = 0
    for start in [*loud, len(text)]:
        parts.append(text[before:start])
        places += range(before, start)
        if start < len(text):
            parts.append(f"{CAPITALS} ")
            places += [start, start]
        before = start
    return "".join(parts), [*places, len(text)]


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, min_frequency: int = 20, capitals: bool = False
) -> TextTokenizer:
    """Learns a lower-casing BPE with byte fallback, in which letters are apart from their marks and Hangul is jamo.

    Every letter that comes twice has an id, and the pairs that come most often have one each. So that no language has
    all of these, the texts should have as much of one as of another.

    Args:
        texts: what to learn it from.
        vocab_size: of ids, the 256 byte ids and single characters included.
        min_frequency: a pair seen less often is not merged.
        capitals: whether words in capitals have a mark before them; see `mark_capitals`.
    """
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=None))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace("İ", "i"),  # Turkish; it would become an i with a second dot
            normalizers.Lowercase(),
            normalizers.NFD(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(True)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    texts = [*texts, *([CAPITALS] * min_frequency if capitals else [])]
    seen = Counter(sign for text in texts for sign in tokenizer.normalizer.normalize_str(text))
    alphabet = sorted({*MARKS, SPACE, *(sign for sign, count in seen.items() if count >= SEEN and sign != " ")})
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=BYTES,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator((mark_capitals(text)[0] if capitals else text for text in texts), trainer)
    learned = json.loads(tokenizer.to_str())
    learned["added_tokens"] = []  # or a text that spells "<0x41>" would be read as that byte
    return TextTokenizer(Tokenizer.from_str(json.dumps(learned)))
