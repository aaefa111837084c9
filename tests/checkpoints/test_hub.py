"""What 🤗's library caches is found, without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.checkpoints.hub import snapshots


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A cache with three revisions of one repository."""
    for revision in ("a", "b", "c"):
        (tmp_path / "models--suno--bark" / "snapshots" / revision).mkdir(parents=True)
    return tmp_path


def test_the_main_branch_comes_first(cached: Path) -> None:
    root = cached / "models--suno--bark"
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("b\n")
    assert [path.name for path in snapshots(cached, "suno/bark")] == ["b", "a", "c"]
    assert snapshots(cached, "suno/bark")[0] == root / "snapshots" / "b"


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"none of them"])
def test_without_a_main_branch(content: bytes | None, cached: Path) -> None:
    if content is not None:
        (cached / "models--suno--bark" / "refs").mkdir()
        (cached / "models--suno--bark" / "refs" / "main").write_bytes(content)
    assert [path.name for path in snapshots(cached, "suno/bark")] == ["a", "b", "c"]


def test_nothing_is_cached(tmp_path: Path) -> None:
    assert snapshots(tmp_path / "none", "suno/bark") == []
    assert snapshots(tmp_path, "bert-base-multilingual-cased") == []


def test_what_the_librarys_own_cache_looks_like(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    revision = "0" * 40
    folder = tmp_path / "models--suno--bark" / "snapshots" / revision
    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_text("{}")
    (tmp_path / "models--suno--bark" / "refs").mkdir()
    (tmp_path / "models--suno--bark" / "refs" / "main").write_text(revision)
    theirs = hub.try_to_load_from_cache("suno/bark", "tokenizer.json", cache_dir=tmp_path)
    assert snapshots(tmp_path, "suno/bark")[0] / "tokenizer.json" == Path(theirs)
