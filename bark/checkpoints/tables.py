"""Tables of settings: the JSON files of a checkpoint, and the numbers in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bark.errors import CheckpointError


def read_json(path: Path) -> dict[str, Any]:
    """A table of settings.

    Raises:
        CheckpointError: the file is missing or isn't one.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # broken JSON, or bytes that aren't UTF-8
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: expected a table of settings, got {type(values).__name__}")
    return values


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
