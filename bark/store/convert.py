"""Anybody's checkpoint into one folder of ours, which is mapped rather than read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

from bark.checkpoints.base import Checkpoint
from bark.checkpoints.native import save_checkpoint
from bark.checkpoints.opening import open_model
from bark.checkpoints.registry import CONFIG
from bark.checkpoints.tensors import make_folder, read_tensors, save_tensors
from bark.checkpoints.text import TOKENIZER
from bark.engine.device import choose_dtype
from bark.errors import OutputError
from bark.files import replacing
from bark.parts import PARTS, Parts
from bark.settings import Settings

EXTRA = "semantic_tokenizer.safetensors"


def convert_model(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    dtype: str | torch.dtype | None = None,
    settings: Settings | None = None,
) -> Path:
    """Writes a model as safetensors, with its tokenizer and its voices; see `bark.checkpoints.native`.

    Args:
        model: a name or a folder, of any form.
        folder: to write to; it is made, and removed again if the model can't be converted. `config.json` comes last,
            so that an unfinished model isn't found.
        dtype: of the three stages' weights; None keeps theirs. The codec's stay as they are.
        settings: say where to look for the model; None reads the environment.

    Returns:
        The folder.

    Raises:
        WeightsNotFoundError: there is no such model.
        CheckpointError: a part of it is missing or broken.
        VoiceError: a voice of it is broken.
        OutputError: there is a model in the folder, or it can't be written.
        OptionError: weights can't be kept in this dtype.
    """
    target = Path(folder)
    if (target / CONFIG).exists():
        raise OutputError(f"there is a model in {target}; name another folder, or remove it first")
    wanted = None if dtype is None else choose_dtype(dtype, torch.device("cpu"))
    checkpoint = open_model(model, settings)
    parts = Parts(checkpoint, torch.device("cpu"), torch.float32)
    made = not target.exists()
    make_folder(target)
    try:
        _write(checkpoint, parts, target, wanted)
    except BaseException:
        if made:  # whatever was in a folder before stays
            shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _write(checkpoint: Checkpoint, parts: Parts, target: Path, dtype: torch.dtype | None) -> None:
    with replacing(target / TOKENIZER) as temporary:
        parts.tokenizer.save(temporary)
    _write_voices(parts, target)
    _write_weights(checkpoint, target, dtype)
    save_checkpoint(target, checkpoint.config, {})


def _write_voices(parts: Parts, target: Path) -> None:
    for name in parts.voices.names():
        path = target / "voices" / f"{name}.npz"
        make_folder(path.parent)
        parts.voices.load(name).save(path)


def _write_weights(checkpoint: Checkpoint, target: Path, dtype: torch.dtype | None) -> None:
    for part in PARTS:  # one after another, so that no more than one is in memory
        module = Parts(checkpoint, torch.device("cpu"), None).module(part)
        save_tensors(module.state_dict(), target / f"{part}.safetensors", None if part == "codec" else dtype)
    extra = checkpoint.folder / EXTRA
    if extra.is_file():
        save_tensors(read_tensors(extra), target / EXTRA, None)
