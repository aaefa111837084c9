"""JSON that somebody may have damaged, or made to do harm: every value is checked when it is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from bark.errors import ProjectError
from bark.files import reason, replacing
from bark.text.normalize import SURROGATES

LARGEST = 64 << 20  # bytes


class Fields:
    """The values of a JSON object.

    Args:
        value: that should be one.
        where: it is from, said in errors.
    """

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise ProjectError(f"{where} is damaged: it should be an object, not {str(value)[:40]!r}")
        self._values: dict[str, Any] = value

    def text(self, key: str) -> str:
        """A string."""
        text: str = self._of(key, str, "a string")
        return self._refuse(key, "text") if SURROGATES.search(text) else text

    def whole(self, key: str, low: int = 0, high: int = 2**63 - 1) -> int:
        """A whole number."""
        number: int = self._of(key, int, "a whole number")
        return number if low <= number <= high else self._refuse(key, f"a whole number from {low} to {high}")

    def number(self, key: str, low: float, high: float) -> float:
        """A number."""
        number = self._of(key, (int, float), "a number")
        return float(number) if low <= number <= high else self._refuse(key, f"a number from {low:g} to {high:g}")

    def items(self, key: str) -> list[Any]:
        """A list, of anything."""
        found: list[Any] = self._of(key, list, "a list")
        return found

    def object(self, key: str) -> Fields:
        """An object."""
        return Fields(self._values.get(key), f"{self.where}: {key}")

    def values(self, key: str) -> dict[str, Any]:
        """An object, of anything."""
        found: dict[str, Any] = self._of(key, dict, "an object")
        return found

    def none(self, key: str) -> bool:
        """Whether it is null, or missing."""
        return self._values.get(key) is None

    def _of(self, key: str, kind: Any, name: str) -> Any:
        value = self._values.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            self._refuse(key, name)
        return value

    def _refuse(self, key: str, wanted: str) -> NoReturn:
        value = self._values.get(key, "nothing")
        raise ProjectError(f"{self.where} is damaged: {key} should be {wanted}, not {str(value)[:40]!r}")


def read_fields(path: Path) -> Fields:
    """The object in a file.

    Raises:
        ProjectError: it can't be read, or is no JSON, or no object.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ProjectError(f"{path} is larger than {LARGEST >> 20} MiB: refused")
        return Fields(json.loads(data.decode("utf-8"), parse_constant=_refuse_constant), str(path))
    except OSError as error:
        raise ProjectError(f"can't read {path}: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        told = (str(error).splitlines() or ["it is nested too deep"])[0][:120]
        raise ProjectError(f"{path} is damaged: {told}") from error


def write_values(path: Path, values: dict[str, Any]) -> None:
    """Writes an object, a line a value, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
