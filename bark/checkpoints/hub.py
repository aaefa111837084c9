"""🤗's cache of what was downloaded from its hub, read without its library and without a network.

models--OWNER--NAME/refs/main              the revision of the main branch
models--OWNER--NAME/snapshots/REVISION/    the files, those that were asked for
"""

from __future__ import annotations

from pathlib import Path


def snapshots(hub: Path, repository: str) -> list[Path]:
    """Folders with what the cache has of a repository, that of its main branch first; any file may be missing.

    Args:
        hub: the cache, `Settings.hub`; it need not exist.
        repository: `OWNER/NAME`, or a `NAME` without an owner.
    """
    root = hub / f"models--{repository.replace('/', '--')}"
    try:
        main = (root / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # never asked for by that name, or broken
        main = ""
    folders = sorted(path for path in root.glob("snapshots/*") if path.is_dir())
    return sorted(folders, key=lambda path: path.name != main)
