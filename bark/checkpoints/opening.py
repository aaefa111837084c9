"""From a folder to the checkpoint in it, whoever wrote it."""

from __future__ import annotations

import os

from bark.checkpoints.base import Checkpoint
from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.registry import form_of
from bark.checkpoints.suno import Size, SunoCheckpoint


def open_checkpoint(
    folder: str | os.PathLike[str], size: Size | None = None, codec: str | os.PathLike[str] | None = None
) -> Checkpoint:
    """The checkpoint of a folder: this project's own, 🤗's or Suno's.

    Args:
        folder: as `find_checkpoint` gives it.
        size: of Suno's files, where a folder has both; see `SunoCheckpoint`.
        codec: of Suno's files, where it is elsewhere; see `SunoCheckpoint`.

    Raises:
        CheckpointError: `config.json` is broken, or of a model that isn't Bark.
        WeightsNotFoundError: the folder holds none of these.
    """
    form = form_of(folder)
    if form == "suno":
        return SunoCheckpoint(folder, size, codec)
    return HuggingFaceCheckpoint(folder) if form == "huggingface" else NativeCheckpoint(folder)
