"""Text to the ids that the semantic stage reads, by a 🤗 `tokenizers` file kept with the model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bark.errors import CheckpointError

BYTES = [f"<0x{value:02X}>" for value in range(256)]  # what a character outside the vocabulary falls back to
MARKS = list("…—–-’‘“”♪[]()&%$€£")  # worth an id of their own, however rare the texts have them


class TextTokenizer:
    """Encodes text; any text encodes to something, and the empty text to nothing."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

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
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """For each id of `encode(text)`, the characters [start, end) of the text that it stands for."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of some ids, up to what normalisation dropped."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def pieces(self, text: str) -> list[tuple[int, int, int]]:
        """`encode` and `spans` in one: for each id the id, the start and the end of its characters."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [(i, start, end) for i, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)]

    def merges(self) -> dict[int, tuple[int, int, int]]:
        """For each id made of two: these two, and the characters of the second."""
        model = json.loads(self._tokenizer.to_str())["model"]
        ids = model["vocab"]
        pairs = (pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"])
        return {ids[left + right]: (ids[left], ids[right], len(right)) for left, right in pairs}


def train_tokenizer(texts: Iterable[str], vocab_size: int, min_frequency: int = 20) -> TextTokenizer:
    """Learns a lower-casing BPE with byte fallback.

    Args:
        texts: what to learn it from.
        vocab_size: of ids, the 256 byte ids and single characters included.
        min_frequency: a pair seen less often is not merged.
    """
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=None))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(True)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=BYTES,
        initial_alphabet=MARKS,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned = json.loads(tokenizer.to_str())
    learned["added_tokens"] = []  # or a text that spells "<0x41>" would be read as that byte
    return TextTokenizer(Tokenizer.from_str(json.dumps(learned)))
