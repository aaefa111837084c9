"""Files of `torch.save`, read without running anything that is in them."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import safe_globals

from bark.checkpoints.tables import check_file
from bark.errors import CheckpointError

OBJECTS_LIMIT = 4 << 20  # bytes of a file's pickle; the weights lie beside it, and Suno's largest is 0.3 MB
IMPOSTORS = {  # what a file begins with that only bears the name of weights
    rb"version https://git-lfs": "is a git-lfs pointer, not the weights: fetch them with `git lfs pull`",
    rb"\s*<(!doctype|html|\?xml)": "is a web page, not weights: download the file itself",
    rb"$": "is empty: download it again",
}


class Inert:
    """Stands for an object that is in a file but isn't wanted, and does nothing."""

    def __new__(cls, *args: object) -> Inert:
        """Takes any arguments, and forgets them."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Takes any state, and forgets it."""


# Suno's files keep their validation loss as a NumPy scalar; torch refuses those, and NumPy itself is not called either.
UNWANTED = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """What `torch.save` wrote to a file: tensors, mapped to it rather than read, in plain dicts and lists.

    Raises:
        CheckpointError: there is no such file, it is not whole, or holds anything else.
    """
    path = Path(path)
    refuse_impostors(path)
    _check_archive(path)
    try:
        with safe_globals([(Inert, name) for name in UNWANTED]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({found[1]})" if found else ""
        raise CheckpointError(f"{path} holds more than weights{what}: refused, and nothing in it was run") from error
    except Exception as error:  # a malformed pickle makes torch's reader fail in any way
        raise CheckpointError(f"{path} can't be read as weights ({_first_line(error)}): download it again") from error


def plain_tensors(values: Any, source: str) -> dict[str, Tensor]:
    """What was read, if it is tensors by name whose numbers are all in the file.

    Args:
        values: of a file, or of a part of one.
        source: said in errors.

    Raises:
        CheckpointError: it is something else, or a tensor only says that it is there, or that it is larger.
    """
    if not isinstance(values, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in values.items()
    ):
        raise CheckpointError(f"{source} holds something else than tensors by name")
    for name, tensor in values.items():
        plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        # a row may be said to be repeated a billion times: nothing is checked against that, and it takes no file
        if not plain or tensor.nbytes > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{source}: {name} is of shape {list(tensor.shape)}, but its numbers aren't stored")
    return values


def refuse_impostors(path: Path) -> None:
    """Looks at how a file begins.

    Raises:
        CheckpointError: there is no such file, or it is one of `IMPOSTORS`.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    for pattern, sentence in IMPOSTORS.items():
        if re.match(pattern, head, re.IGNORECASE):
            raise CheckpointError(f"{path} {sentence}")


def _check_archive(path: Path) -> None:
    """Whether the file is a whole zip archive of the kind that torch writes, whose parts are stored as they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path} is not a whole PyTorch file ({_first_line(error)}); it may have been cut short: download it again"
        ) from error
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise CheckpointError(f"{path} is compressed, as PyTorch never writes its files: refused")
    if any(part.filename.endswith("data.pkl") and part.file_size > OBJECTS_LIMIT for part in parts):
        raise CheckpointError(f"{path} holds more than {OBJECTS_LIMIT >> 20} MB beside its weights: refused")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
