"""Which models are on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bark.checkpoints.hub import snapshots
from bark.checkpoints.registry import BUNDLED, CONFIG, SUNO_NAMES, Place, bundled_models, form_of
from bark.checkpoints.tables import read_json
from bark.errors import CheckpointError
from bark.settings import Settings


@dataclass(frozen=True)
class Listed:
    """A model that can be named.

    Attributes:
        name: to call it by.
        form: `native`, `huggingface` or `suno`; `broken` where its config can't be read.
        folder: of its files.
        size: of them all, bytes.
    """

    name: str
    form: str
    folder: Path
    size: int


def list_models(settings: Settings | None = None) -> list[Listed]:
    """The models in the package, in our cache, among Suno's own files and in 🤗's cache, in this order.

    Args:
        settings: say where the caches are; None reads the environment.
    """
    return [_listed(place) for place in _places(settings or Settings.from_env())]


def _places(settings: Settings) -> Iterator[Place]:
    for name in bundled_models():
        yield Place(name, BUNDLED / name)
    for config in sorted([*settings.models.glob(f"*/{CONFIG}"), *settings.models.glob(f"*/*/{CONFIG}")]):
        yield Place(config.parent.relative_to(settings.models).as_posix(), config.parent)
    for name, size in SUNO_NAMES.items():
        place = Place(name, settings.suno, size)
        if place.exists:
            yield place
    for root in sorted(settings.hub.glob("models--*--*")):
        name = root.name.removeprefix("models--").replace("--", "/")
        yield from (Place(name, folder) for folder in snapshots(settings.hub, name)[:1] if _is_bark(folder))


def _listed(place: Place) -> Listed:
    try:
        form: str = form_of(place.folder, place.size)
    except CheckpointError:
        form = "broken"
    return Listed(place.name, form, place.folder, sum(path.stat().st_size for path in _files(place)))


def _files(place: Place) -> list[Path]:
    if place.size is None:
        return [path for path in place.folder.rglob("*") if path.is_file()]
    ending = "_2.pt" if place.size == "large" else ".pt"
    files = [place.folder / f"{stem}{ending}" for stem in ("text", "coarse", "fine")]
    return [path for path in files if path.is_file()]


def _is_bark(folder: Path) -> bool:
    try:
        values = read_json(folder / CONFIG)
    except CheckpointError:
        return False
    return values.get("model_type") == "bark" or {"tokens", "semantic", "coarse", "fine"} <= set(values)
