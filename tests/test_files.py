"""Nobody ever sees half of a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bark.errors import OutputError
from bark.files import check_target, replacing


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OutputError, match=r"a\.txt: the disk is full"), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_written_as_it_is() -> None:
    with pytest.raises(OutputError, match="/dev/full: the disk is full"), replacing("/dev/full") as target:
        target.write_bytes(b"more than nothing")
    assert Path("/dev/full").is_char_device()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "file"
    link.symlink_to(path)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_the_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with replacing(tmp_path / "made") as temporary:
        temporary.touch()
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with replacing(path) as temporary:
        temporary.touch()
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "it is a folder"),
        ("missing/a.txt", r"there is no folder .*missing; make it first"),
        ("x" * 256, "File name too long"),
        ("a\0b", "null byte|null character"),
    ],
)
def test_where_no_file_can_be(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(OutputError, match=reason):
        check_target(tmp_path / name)


def test_what_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root, who may write anywhere
    with pytest.raises(OutputError, match=r"a\.txt: permission denied"):
        check_target(tmp_path / "a.txt")


def test_a_file_needs_its_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is new is written beside it; not so what isn't a file."""
    path = tmp_path / "a.txt"
    path.touch()
    monkeypatch.setattr(os, "access", lambda each, mode: Path(each) != tmp_path)
    with pytest.raises(OutputError, match=r"a\.txt: permission denied"):
        check_target(path)
    monkeypatch.setattr(os, "access", lambda each, mode: Path(each) == Path(os.devnull))
    assert check_target(os.devnull) == Path(os.devnull)
