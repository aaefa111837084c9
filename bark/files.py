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
    target = check_target(path)
    try:
        if target.exists() and not target.is_file():
            yield target
            return
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


def check_target(path: str | os.PathLike[str]) -> Path:
    """The file that writing to `path` replaces: behind a link, the one it points to.

    Raises:
        OutputError: no file can be there.
    """
    try:
        target = Path(path).resolve()
        if target.is_dir():
            raise OutputError(f"can't write {path}: it is a folder; name a file in it")
        if not target.parent.is_dir():
            raise OutputError(f"can't write {path}: there is no folder {target.parent}; make it first")
        written = [target] if target.exists() else []
        if target.is_file() or not written:  # a new file is written beside it, and takes its place
            written.append(target.parent)
        if not all(os.access(each, os.W_OK) for each in written):
            raise OutputError(f"can't write {path}: {REASONS[errno.EACCES]}")
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # a name too long, links in a circle, a NUL
        raise OutputError(f"can't write {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    return target


def reason(error: OSError) -> str:
    """Why the system refused, in plain words."""
    return REASONS.get(error.errno or 0) or error.strerror or str(error)


def _sync(path: Path) -> None:
    """Waits until the content is on the disk: some systems report a full disk only then."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
