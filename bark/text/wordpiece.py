"""BERT's WordPiece (Devlin et al. 2019), in which Suno's models read: a vocabulary of one piece a line.

The ids are those of 🤗's `BertTokenizer` for any text. What that class was in 2023, in Python, differs from it in
characters that Unicode has gained since or hasn't assigned, and in letters written apart from their accents.
"""

from __future__ import annotations

import os
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from bark.errors import CheckpointError
from bark.text.tokenizer import TextTokenizer

UNKNOWN = "[UNK]"
WHOLE = (UNKNOWN, "[SEP]", "[PAD]", "[CLS]", "[MASK]")  # spelled out in a text, they are one id, as in BERT


def read_wordpiece(
    path: str | os.PathLike[str],
    *,
    lowercase: bool = False,
    strip_accents: bool | None = None,
    split_cjk: bool = True,
) -> TextTokenizer:
    """A tokenizer with the vocabulary of a `vocab.txt`, whose line n (from 0) is the piece with the id n.

    The defaults are those of bert-base-multilingual-cased, which Suno's models learned with.

    Args:
        path: of the vocabulary; pieces within a word begin with `##`.
        lowercase: whether the vocabulary has no capitals.
        strip_accents: whether it has no accents; None for as `lowercase`.
        split_cjk: whether every Chinese character is a word.

    Raises:
        CheckpointError: the file can't be read, or isn't a vocabulary of BERT's.
    """
    vocabulary = _read_vocabulary(Path(path))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=split_cjk, strip_accents=strip_accents, lowercase=lowercase
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    # of those that the vocabulary lacks, it would make up ids beyond its end
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in WHOLE if piece in vocabulary])
    return TextTokenizer(tokenizer)


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: some pieces are exotic line ends
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not UTF-8: byte {error.start}; a vocabulary was expected") from error
    if not lines[-1]:
        lines.pop()
    vocabulary = {piece: index for index, piece in enumerate(lines)}
    if UNKNOWN not in vocabulary:
        raise CheckpointError(f"{path} is not a vocabulary of BERT's: none of its {len(lines)} lines is {UNKNOWN}")
    return vocabulary
