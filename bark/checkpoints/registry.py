"""From the name of a model to the folder it is in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from bark.checkpoints.tables import read_json
from bark.errors import WeightsNotFoundError
from bark.settings import Settings

BUNDLED = Path(__file__).parent / "bundled"
CONFIG = "config.json"  # a folder with this file is a checkpoint
SUNO = ("text_2.pt", "text.pt")  # so is one with a file of Suno's
Form = Literal["native", "huggingface", "suno"]


def bundled_models() -> list[str]:
    """Names of the models inside the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


def find_checkpoint(model: str | os.PathLike[str], settings: Settings | None = None) -> Path:
    """The folder of a model.

    Args:
        model: a path, or a name, which is looked for inside the package, then in the cache, then here.
        settings: say where the cache is; None reads the environment.

    Raises:
        WeightsNotFoundError: there is none; the text lists the places searched.
    """
    places = _places(model, settings or Settings.from_env())
    for folder in places:
        if any((folder / name).is_file() for name in (CONFIG, *SUNO)):
            return folder
    searched = ", ".join(str(folder) for folder in places)
    known = ", ".join(bundled_models()) or "none"
    raise WeightsNotFoundError(
        f"there is no model {os.fspath(model)!r}: no {CONFIG} in {searched}, nor Suno's {' or '.join(SUNO)}; "
        f"models inside the package: {known}"
    )


def form_of(folder: str | os.PathLike[str]) -> Form:
    """Who wrote a checkpoint: this project, 🤗, or, where there is no `config.json`, Suno.

    Raises:
        CheckpointError: `config.json` is broken.
    """
    path = Path(folder) / CONFIG
    if not path.is_file():
        return "suno"
    return "huggingface" if "model_type" in read_json(path) else "native"


def _places(model: str | os.PathLike[str], settings: Settings) -> list[Path]:
    path = Path(model)
    if path.name == os.fspath(model) and isinstance(model, str):  # a bare name
        return [BUNDLED / model, settings.models / model, path.absolute()]
    try:
        return [path.expanduser().absolute()]
    except RuntimeError:  # ~somebody whom the system doesn't know
        return [path]
