"""Tables of settings: the JSON files of a checkpoint, and the numbers in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bark.errors import CheckpointError

LIMIT = 16 << 20  # bytes; the largest, an index of a model's weights, has a fiftieth of it


def read_json(path: Path) -> dict[str, Any]:
    """A table of settings.

    Raises:
        CheckpointError: the file is missing or isn't one.
    """
    check_size(path, LIMIT)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # broken JSON, or bytes that aren't UTF-8
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: expected a table of settings, got {type(values).__name__}")
    return values


def check_file(path: Path) -> None:
    """Whether a file is there.

    Raises:
        CheckpointError: it isn't, or is something else than a file.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path} is not a file, but a folder or a device")
    if not path.is_file():
        raise CheckpointError(f"{path} is missing from the checkpoint")


def check_size(path: Path, limit: int) -> None:
    """Whether a file that is read as a whole is of a sane size; one that isn't there is.

    Raises:
        CheckpointError: it has more than `limit` bytes.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size > limit:
        raise CheckpointError(f"{path} has {size >> 20} MB, and at most {limit >> 20} were expected: refused")


def number(values: Mapping[str, Any], name: str, default: int | None, where: str) -> int:
    """A whole number of at least 1 from a table of settings.

    Raises:
        CheckpointError: it is anything else, or missing and has no default.
    """
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        what = f"{name} is {value!r}" if name in values else f"{name} is missing"
        raise CheckpointError(f"{where}: {what}; it should be a whole number of at least 1")
    return value
