"""From a folder to the checkpoint in it, whoever wrote it."""

from __future__ import annotations

import os

from bark.checkpoints.base import Checkpoint
from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.registry import Size, find_codec, find_model, form_of
from bark.checkpoints.suno import SunoCheckpoint
from bark.settings import Settings


def open_model(model: str | os.PathLike[str], settings: Settings | None = None) -> Checkpoint:
    """The checkpoint of a model by its name or path, with a codec from elsewhere where Suno's files have none.

    Args:
        model: see `bark.checkpoints.registry.places`.
        settings: say where to look, and which of Suno's models is meant; None reads the environment.

    Raises:
        WeightsNotFoundError: the model is nowhere; the text lists the places searched.
        CheckpointError: `config.json` is broken, or of a model that isn't Bark.
    """
    settings = settings or Settings.from_env()
    place = find_model(model, settings)
    return open_checkpoint(place.folder, place.size, find_codec(place.folder, settings))


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
    form = form_of(folder, size)
    if form == "suno":
        return SunoCheckpoint(folder, size, codec)
    return HuggingFaceCheckpoint(folder) if form == "huggingface" else NativeCheckpoint(folder)
