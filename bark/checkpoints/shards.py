"""The weights of a 🤗 model's folder: safetensors or PyTorch's own, in one file or in several with an index."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from bark.checkpoints.pickles import plain_tensors, read_pickle, refuse_impostors
from bark.checkpoints.tables import read_json
from bark.checkpoints.tensors import read_tensors
from bark.errors import CheckpointError

FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def read_shards(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """Tensors whose names begin with a prefix, by what follows it, mapped to their files.

    Raises:
        CheckpointError: a file is missing or broken.
    """
    first = weights_file(folder)
    tensors: dict[str, Tensor] = {}
    for path in _shards(first, prefix) if first.suffix == ".json" else [first]:
        found = _read(path)
        twice = sorted(tensors.keys() & found)
        if twice:
            raise CheckpointError(f"{path} has {twice[0]}, which another of the files that {first} names has too")
        tensors.update(found)
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def weights_file(folder: Path) -> Path:
    """The file that holds a folder's weights, or the index of those that do; safetensors where there is a choice.

    Raises:
        CheckpointError: there is none.
    """
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise CheckpointError(f"there are no weights in {folder}: none of {', '.join(FILES)}")


def _shards(index: Path, prefix: str) -> list[Path]:
    """Of the files that an index names, those that hold tensors of the prefix."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError(f"{index}: expected a weight_map, from the names of tensors to those of files")
    names = sorted({file for tensor, file in places.items() if tensor.startswith(prefix)})
    for name in names:
        if Path(name).name != name:
            raise CheckpointError(f"{index} names {name!r}, which is not a file beside it")
    return [index.parent / name for name in names]


def _read(path: Path) -> dict[str, Tensor]:
    refuse_impostors(path)
    if path.suffix == ".safetensors":
        return read_tensors(path)
    return plain_tensors(read_pickle(path), str(path))
