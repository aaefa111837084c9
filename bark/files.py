"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bark.errors import OutputError

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.EFBIG: "the file would be larger than is allowed",
}


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a name beside `path` to write to; when the block ends well, the file takes the place of `path`.

    If the block fails, `path` is as it was and nothing is left behind. What isn't a file (a pipe, a device)
    is written as it is.

    Raises:
        OutputError: the file can't be written.
    """
    try:
        target = Path(path).resolve()  # behind a link, the file is replaced and the link stays
        if target.exists() and not target.is_file() and not target.is_dir():
            yield target
            return
        _check(target)
        temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}.part")
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"can't write {path}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why the system refused, in plain words."""
    return REASONS.get(error.errno or 0) or error.strerror or str(error)


def _check(target: Path) -> None:
    if target.is_dir():
        raise OutputError(f"can't write {target}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise OutputError(f"can't write {target}: there is no folder {target.parent}; make it first")


def _sync(path: Path) -> None:
    """Waits until the content is on the disk: some systems report a full disk only then."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
