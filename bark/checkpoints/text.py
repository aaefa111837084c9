"""The tokenizer of a checkpoint: the ids that its semantic model reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bark.checkpoints.hub import snapshots
from bark.checkpoints.tables import check_size, read_json
from bark.errors import CheckpointError
from bark.text.tokenizer import TextTokenizer
from bark.text.wordpiece import read_wordpiece
from bark.tokens import SUNO

TOKENIZER, VOCABULARY, SETTINGS = "tokenizer.json", "vocab.txt", "tokenizer_config.json"
BERT = "google-bert/bert-base-multilingual-cased"
CACHED = (BERT, "bert-base-multilingual-cased", "suno/bark", "suno/bark-small")  # all have the same
BERT_SIZE = SUNO.text_pad - SUNO.text_offset  # ids of its vocabulary, to the last of which Suno's models read
LIMIT = 64 << 20  # bytes of a tokenizer's file; BERT's has 3 MB
SWITCHES = {  # 🤗's names for the arguments of `read_wordpiece`
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "split_cjk": "tokenize_chinese_chars",
}


def find_tokenizer(folder: str | os.PathLike[str], hub: Path | None = None) -> Path:
    """The file that `read_tokenizer` reads.

    Args:
        folder: of the checkpoint; `tokenizer.json` comes before `vocab.txt`.
        hub: 🤗's cache, `Settings.hub`, for a model that reads in bert-base-multilingual-cased, as Suno's do: it is
            looked for there if the folder has none. None where the checkpoint must have its own.

    Raises:
        CheckpointError: there is none, which the text says how to mend.
    """
    for place in _places(Path(folder), hub):
        for name in (TOKENIZER, VOCABULARY):
            if (place / name).is_file():
                return place / name
    missing = f"there is no {TOKENIZER} or {VOCABULARY} in {folder}"
    if hub is None:
        raise CheckpointError(missing)
    raise CheckpointError(
        f"{missing}, nor is bert-base-multilingual-cased, in which Suno's models read, in 🤗's cache {hub}; "
        f"`hf download {BERT} {TOKENIZER}` gets it"
    )


def read_tokenizer(path: str | os.PathLike[str]) -> TextTokenizer:
    """The tokenizer of a `tokenizer.json`, or of a `vocab.txt` with what a `tokenizer_config.json` beside it says.

    Raises:
        CheckpointError: a file is broken.
    """
    path = Path(path)
    check_size(path, LIMIT)
    if path.name == VOCABULARY:
        return read_wordpiece(path, **_switches(path.with_name(SETTINGS)))
    return TextTokenizer.from_file(path)


def check_vocabulary(size: int, room: int, where: str, *, suno: bool) -> None:
    """Whether a tokenizer is of the vocabulary that a semantic model learned with, as far as its size tells.

    Args:
        size: of the vocabulary.
        room: ids that the model reads.
        where: said in errors.
        suno: whether the model is of Suno's kind. In its numbers of tokens no BERT but one fits.

    Raises:
        CheckpointError: there are more ids than are read, or they are of another BERT than Suno's models read in.
    """
    if size > room:
        raise CheckpointError(f"{where}: {size} ids, but the semantic model has room for {room}")
    if suno and size < room == BERT_SIZE:
        raise CheckpointError(
            f"{where}: {size} ids, but Suno's models read in bert-base-multilingual-cased, which has {room}: "
            "in another vocabulary they would say something else"
        )


def _places(folder: Path, hub: Path | None) -> Iterator[Path]:
    yield folder
    if hub is not None:
        for repository in CACHED:
            yield from snapshots(hub, repository)


def _switches(path: Path) -> dict[str, Any]:
    """What a `tokenizer_config.json` says about a vocabulary, if it is there."""
    settings = read_json(path) if path.is_file() else {}
    switches = {own: settings[name] for own, name in SWITCHES.items() if settings.get(name) is not None}
    for own, value in switches.items():
        if not isinstance(value, bool):
            raise CheckpointError(f"{path}: {SWITCHES[own]} is {value!r}; it should be true or false")
    return switches
