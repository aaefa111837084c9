"""From the name of a model to the folder it is in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bark.checkpoints.hub import snapshots
from bark.checkpoints.tables import read_json
from bark.errors import WeightsNotFoundError
from bark.settings import Settings

Form = Literal["native", "huggingface", "suno"]
Size = Literal["large", "small"]

BUNDLED = Path(__file__).parent / "bundled"
CONFIG = "config.json"  # a folder with this file is a checkpoint
SUNO: dict[Size, str] = {"large": "text_2.pt", "small": "text.pt"}  # so is one with a file of Suno's
SUNO_NAMES: dict[str, Size] = {"suno/bark": "large", "suno/bark-small": "small"}
META_FILE = "encodec_24khz-d7cc33bc.th"  # EnCodec, as Meta's package saves it
META_REPOSITORY = "facebook/encodec_24khz"


@dataclass(frozen=True)
class Place:
    """Where a model may be.

    Attributes:
        name: of the model, as it was asked for.
        folder: of its files.
        size: of Suno's files there, where only one of them is meant.
    """

    name: str
    folder: Path
    size: Size | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """Files, of which one makes the folder a checkpoint."""
        suno = [SUNO[self.size]] if self.size else list(SUNO.values())
        return (CONFIG, *suno)

    @property
    def exists(self) -> bool:
        """Whether the model is there; its files may still be broken."""
        return any((self.folder / name).is_file() for name in self.marks)


def bundled_models() -> list[str]:
    """Names of the models inside the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


def find_model(model: str | os.PathLike[str], settings: Settings | None = None) -> Place:
    """Where a model is.

    Args:
        model: a path, or a name; see `places`.
        settings: say where the caches are, and which of Suno's models is meant; None reads the environment.

    Raises:
        WeightsNotFoundError: it is nowhere; the text lists the places searched.
    """
    settings = settings or Settings.from_env()
    searched = places(model, settings)
    for place in searched:
        if place.exists:
            return place
    raise WeightsNotFoundError(_not_found(model, searched))


def find_checkpoint(model: str | os.PathLike[str], settings: Settings | None = None) -> Path:
    """The folder of `find_model`."""
    return find_model(model, settings).folder


def places(model: str | os.PathLike[str], settings: Settings) -> list[Place]:
    """Where a model is looked for, in order.

    A bare name is looked for inside the package, in the cache and here; `owner/name` in the cache, with `suno/bark`
    and `suno/bark-small` among the files that Suno's own package has downloaded, in 🤗's cache, and here; anything
    else is a path.
    """
    name = os.fspath(model)
    size: Size | None = "small" if settings.small else None
    if isinstance(model, str) and re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
        return [Place(name, folder, size) for folder in (BUNDLED / name, settings.models / name, Path(name).absolute())]
    if isinstance(model, str) and re.fullmatch(r"\w[\w.-]*/[\w.-]*\w[\w.-]*", name):
        return list(_published(name, settings))
    try:
        return [Place(name, Path(model).expanduser().absolute(), size)]
    except RuntimeError:  # ~somebody whom the system doesn't know
        return [Place(name, Path(model), size)]


def form_of(folder: str | os.PathLike[str], size: Size | None = None) -> Form:
    """Who wrote a checkpoint: this project, 🤗, or, where there is no `config.json`, Suno.

    Args:
        folder: of the checkpoint.
        size: of Suno's models, which is asked for.

    Raises:
        CheckpointError: `config.json` is broken.
    """
    path = Path(folder) / CONFIG
    # a copy of the repository suno/bark has both forms, of which 🤗's is the large model
    if not path.is_file() or (size == "small" and (Path(folder) / SUNO["small"]).is_file()):
        return "suno"
    return "huggingface" if "model_type" in read_json(path) else "native"


def codec_places(folder: Path, settings: Settings) -> list[Path]:
    """Where the codec of Suno's files is looked for, in order: Meta's file, or the folder of a 🤗 `EncodecModel`."""
    files = [folder / META_FILE, settings.torch_hub / META_FILE]
    return files + (snapshots(settings.hub, META_REPOSITORY) or [settings.hub / META_REPOSITORY])


def find_codec(folder: Path, settings: Settings) -> Path | None:
    """The first of `codec_places` that is there."""
    for path in codec_places(folder, settings):
        if path.is_file() or (path / CONFIG).is_file():
            return path
    return None


def _published(name: str, settings: Settings) -> Iterator[Place]:
    if settings.small and name == "suno/bark":
        name = "suno/bark-small"
    size = SUNO_NAMES.get(name)
    yield Place(name, settings.models / name, size)
    if size:
        yield Place(name, settings.suno, size)
    for folder in snapshots(settings.hub, name) or [settings.hub / name]:
        yield Place(name, folder, size)
    yield Place(name, Path(name).absolute(), size)


def _not_found(model: str | os.PathLike[str], searched: list[Place]) -> str:
    folders = ", ".join(str(place.folder) for place in searched)
    suno = sorted({name for place in searched for name in place.marks if name != CONFIG}, reverse=True)
    known = ", ".join(bundled_models()) or "none"
    published = len(searched) > 1 and "/" in searched[0].name
    hint = f"; `bark models download {searched[0].name}` fetches it" if published else ""
    return (
        f"there is no model {os.fspath(model)!r}: no {CONFIG} in {folders}, nor Suno's {' or '.join(suno)}; "
        f"models inside the package: {known}{hint}"
    )
