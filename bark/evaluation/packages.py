"""The packages of the extra `eval`, imported only when a judge or a teacher needs them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bark.errors import BarkError

HINT = "pip install 'openbark[eval]'"


def require(module: str, unused: tuple[str, ...] = ()) -> Any:
    """A module of the extra `eval`.

    Args:
        module: its dotted name.
        unused: modules that it imports for what is never called here. Where one can't be imported, an empty one
            stands in for it during the import, so that a broken dependency of a dependency stops nobody.

    Raises:
        BarkError: it isn't installed, or can't be imported.
    """
    try:
        with _stand_ins(unused):
            return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise BarkError(f"evaluation needs the package {package}, but {error}; install it with {HINT}") from error


def data_folder(package: str) -> Path:
    """The folder `data` of a package that holds nothing but data.

    Raises:
        BarkError: it isn't installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise BarkError(f"evaluation needs the package {package}, which isn't installed; install it with {HINT}")
    return Path(spec.origin).parent / "data"


@contextmanager
def _stand_ins(names: tuple[str, ...]) -> Iterator[None]:
    added = [name for name in names if not _importable(name)]
    sys.modules.update({name: ModuleType(name) for name in added})
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (ImportError, OSError):  # OSError: torchaudio, where torch has no CUDA libraries
        return False
    return True
