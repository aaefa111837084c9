"""Where a checkpoint's voices are."""

from __future__ import annotations

from pathlib import Path

from bark.checkpoints.hub import snapshots

NPZ = "voices"  # a folder of NAME.npz, as this project writes it
NPY = "speaker_embeddings"  # a folder of NAME_semantic_prompt.npy and two more, as 🤗 writes it …
INDEX = "speaker_embeddings_path.json"  # … and its table: name, array, file
CACHED = ("suno/bark", "suno/bark-small")  # both have all of Suno's presets


def voice_places(folder: Path, hub: Path | None = None) -> list[Path]:
    """Folders of voices, and tables of them, in the order in which a name is looked for; any may be missing.

    Args:
        folder: of the checkpoint.
        hub: 🤗's cache, `Settings.hub`, where the checkpoint speaks Suno's tokens, as all of Suno's presets do.
    """
    cached = [] if hub is None else [folder for repository in CACHED for folder in snapshots(hub, repository)]
    return [place / name for place in (folder, *cached) for name in (NPZ, INDEX, NPY)]
