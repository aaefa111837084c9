"""The three arrays of a voice from its file, or its three files, which may hold anything.

They are taken apart here rather than by `np.load`, which makes an array as large as a header says, unpacks as much as
an archive holds, and would run what is pickled if it were allowed to.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from bark.errors import VoiceError

KEYS = ("semantic_prompt", "coarse_prompt", "fine_prompt")
MANNER, EQUALIZER, ABOUT = "manner_prompt", "equalizer", "about"  # which other programs leave alone
ARRAY_LIMIT = 4 << 20  # bytes; a quarter of an hour of eight codebooks, and Suno's voices are of seconds
FILE_LIMIT = 4 * ARRAY_LIMIT
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as NumPy writes; the others unpack without a limit
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

Array = npt.NDArray[Any]


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of an npz by their names in `KEYS`, and `MANNER`, `EQUALIZER` and `ABOUT` where it has them.

    Others that it may have are left alone.

    Raises:
        VoiceError: the file can't be read, or an array is missing or damaged.
    """
    with _explained(path), _opened(path) as file:
        if file.read(2) != b"PK":
            raise VoiceError(f"{path} is not a voice: an npz file was expected")
        with zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            missing = [key for key in KEYS if key not in names]
            if missing:
                there = ", ".join(names[:8]) or "no arrays"
                raise VoiceError(f"{path} is not a voice: {', '.join(missing)} missing; it has {there}")
            keys = [*KEYS, *(key for key in (MANNER, EQUALIZER) if key in names)]
            found = {key: _parsed(_member(archive, key, path), f"{path}: {key}") for key in keys}
            about = _about(archive, path) if ABOUT in names else None
            return found if about is None else {**found, ABOUT: about}


def read_npy(paths: Mapping[str, Path]) -> dict[str, Array]:
    """The arrays of three npy files, as 🤗 keeps a voice.

    Args:
        paths: of the files, by the names in `KEYS`.

    Raises:
        VoiceError: a file can't be read, or is damaged.
    """
    return {key: _read_npy(paths[key]) for key in KEYS}


def table_of(value: Any) -> dict[str, str]:
    """What a string of JSON says, texts by name; nothing where it is none: others may mean something else by the name.

    Args:
        value: a table, its JSON, or an array of that one string.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1:
        value = str(value.reshape(()))
    try:
        table = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    if not isinstance(table, Mapping):
        return {}
    return {str(key): text for key, text in table.items() if isinstance(text, str)}


def _about(archive: zipfile.ZipFile, path: Path) -> Array | None:
    try:
        return _parsed(_member(archive, ABOUT, path), f"{path}: {ABOUT}")
    except (VoiceError, ValueError, KeyError):  # pickled, of another kind or name: it is somebody else's
        return None


def _read_npy(path: Path) -> Array:
    with _explained(path), _opened(path) as file:
        return _parsed(_bounded(file, str(path)), str(path))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.exists() and not path.is_file():  # of a pipe there would be no end
        raise VoiceError(f"{path} is not a voice: it is not a file")
    with path.open("rb") as file:
        size = path.stat().st_size
        if size > FILE_LIMIT:
            raise VoiceError(f"{path} is not a voice: it has {size >> 20} MB, and a voice at most {FILE_LIMIT >> 20}")
        yield file


def _member(archive: zipfile.ZipFile, key: str, path: Path) -> bytes:
    """An array's part of an archive, unpacked no further than an array may be."""
    info = archive.getinfo(f"{key}.npy")
    if info.compress_type not in PACKED:
        raise VoiceError(f"{path}: {key} is compressed in a way that NumPy never writes: refused")
    with archive.open(info) as file:
        return _bounded(file, f"{path}: {key}")


def _bounded(file: IO[bytes], what: str) -> bytes:
    data = file.read(ARRAY_LIMIT + 1)
    if len(data) > ARRAY_LIMIT:
        raise VoiceError(f"{what} is larger than {ARRAY_LIMIT >> 20} MB, which no voice is: refused")
    return data


def _parsed(data: bytes, what: str) -> Array:
    """The array of an npy file's content."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise VoiceError(f"{what} is of version {version} of NumPy's format; 1.0 and 2.0 can be read")
    shape, by_columns, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise VoiceError(f"{what} holds pickled objects, which are never read; it must hold numbers")
    body = data[file.tell() :]
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(body):
        raise VoiceError(
            f"{what} is damaged: its header says {dtype} of shape {list(shape)}, but {len(body)} bytes follow"
        )
    return np.frombuffer(body, dtype).reshape(shape, order="F" if by_columns else "C")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Every fault as a sentence."""
    try:
        yield
    except VoiceError:
        raise
    except OSError as error:
        raise VoiceError(f"can't read the voice {path}: {error.strerror or error}") from error
    except Exception as error:  # NumPy and zipfile meet damaged bytes with a dozen kinds of exception
        reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        raise VoiceError(f"{path} is not a voice, or is damaged: {reason}") from error
