"""Voices among the files of a folder: npz files, or 🤗's three npy files a voice and the table that names them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from bark.errors import VoiceError
from bark.voices.arrays import FILE_LIMIT, KEYS

VoiceFiles: TypeAlias = Path | Mapping[str, Path]  # an npz, or an npy by each of the names in KEYS

LANGUAGES = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
SUNO_PRESETS = frozenset(
    {"announcer"} | {f"{set_}{lang}_speaker_{n}" for set_ in ("", "v2/") for lang in LANGUAGES for n in range(10)}
)


def find_voices(places: Iterable[Path]) -> dict[str, VoiceFiles]:
    """Files of every voice by its name: of the first place that has all of them, else of the first that names it.

    Args:
        places: folders, in which `v2/en_speaker_0.npz` is the voice `v2/en_speaker_0`, as is
            `v2/en_speaker_0_semantic_prompt.npy` with its two neighbours; or tables as 🤗's
            `speaker_embeddings_path.json`. None need exist.

    Raises:
        VoiceError: a table is broken, or names a file outside its folder.
    """
    found: dict[str, VoiceFiles] = {}
    for place in places:
        for name, files in (_of_table(place) if place.suffix == ".json" else _of_folder(place)).items():
            if name not in found or (complete(files) and not complete(found[name])):
                found[name] = files
    return found


def find_own(folder: Path | None) -> dict[str, VoiceFiles]:
    """A user's own voices: npz files right in a folder, which need not exist."""
    return {} if folder is None else {path.stem: path for path in sorted(folder.glob("*.npz"))}


def complete(files: VoiceFiles) -> bool:
    """Whether all files of a voice are there."""
    if isinstance(files, Path):
        return files.is_file()
    return all(key in files and files[key].is_file() for key in KEYS)


def beside(path: Path) -> dict[str, Path]:
    """The three npy files of a voice, by the name of one of them.

    Raises:
        VoiceError: the name doesn't end as theirs do.
    """
    for key in KEYS:
        if path.stem.endswith(key):
            return {other: path.with_name(f"{path.stem.removesuffix(key)}{other}.npy") for other in KEYS}
    raise VoiceError(f"{path} is not a voice: the names of its three files end in {', '.join(KEYS)}")


def _of_folder(folder: Path) -> dict[str, VoiceFiles]:
    found: dict[str, VoiceFiles] = {}
    for path in sorted(folder.rglob(f"*{KEYS[0]}.npy")):
        stem = path.stem.removesuffix(KEYS[0]).removesuffix("_")
        name = (path.parent / stem).relative_to(folder).as_posix()
        found[folder.name if name == "." else name] = beside(path)
    for path in sorted(folder.rglob("*.npz")):
        found[path.relative_to(folder).with_suffix("").as_posix()] = path
    return found


def _of_table(path: Path) -> dict[str, VoiceFiles]:
    if not path.is_file():
        return {}
    if path.stat().st_size > FILE_LIMIT:
        raise VoiceError(f"{path} has {path.stat().st_size >> 20} MB, more than any table of voices: refused")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VoiceError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise VoiceError(f"{path} is not a table of voices: {error}") from error
    if not isinstance(table, dict):
        raise VoiceError(f"{path} is not a table of voices, but {type(table).__name__}")
    return {name: _row(files, name, path) for name, files in table.items() if name != "repo_or_path"}


def _row(files: Any, name: str, path: Path) -> dict[str, Path]:
    if not isinstance(files, dict) or not all(isinstance(files.get(key), str) for key in KEYS):
        raise VoiceError(f"{path}: {name} should have a file for each of {', '.join(KEYS)}")
    row = {key: files[key].replace("\\", "/") for key in KEYS}  # as 🤗 writes them on Windows
    for value in (name, *row.values()):
        # by the names alone: in 🤗's cache every file is a link that leads out of the folder
        if PurePath(value).is_absolute() or ".." in PurePath(value).parts:
            raise VoiceError(f"{path} has {value!r}, which leads out of its folder: refused")
    return {key: path.parent / value for key, value in row.items()}
