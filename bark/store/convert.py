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
from bark.errors import OptionError, OutputError
from bark.files import replacing
from bark.parts import PARTS, Parts
from bark.settings import Settings

EXTRA = "semantic_tokenizer.safetensors"


def convert_model(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    dtype: str | torch.dtype | None = None,
    settings: Settings | None = None,
    quantize: str | None = None,
) -> Path:
    """Writes a model as safetensors, with its tokenizer and its voices; see `bark.checkpoints.native`.

    Args:
        model: a name or a folder, of any form.
        folder: to write to; it is made, and removed again if the model can't be converted. `config.json` comes last,
            so that an unfinished model isn't found.
        dtype: of the three stages' weights; None keeps theirs. The codec's stay as they are.
        settings: say where to look for the model; None reads the environment.
        quantize: `int8` for the three stages' weights in int8, and float16 for what is small; None as `dtype` says.

    Returns:
        The folder.

    Raises:
        WeightsNotFoundError: there is no such model.
        CheckpointError: a part of it is missing or broken.
        VoiceError: a voice of it is broken.
        OutputError: there is a model in the folder, or it can't be written.
        OptionError: weights can't be kept in this dtype, or so quantised.
    """
    target = Path(folder)
    if (target / CONFIG).exists():
        raise OutputError(f"there is a model in {target}; name another folder, or remove it first")
    wanted = _wanted(dtype, quantize)
    checkpoint = open_model(model, settings)
    parts = Parts(checkpoint, torch.device("cpu"), torch.float32)
    made = not target.exists()
    make_folder(target)
    try:
        _write(checkpoint, parts, target, wanted, quantize == "int8")
    except BaseException:
        if made:  # whatever was in a folder before stays
            shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _wanted(dtype: str | torch.dtype | None, quantize: str | None) -> torch.dtype | None:
    """The dtype to write in, or None for the weights' own."""
    if quantize not in (None, "int8"):
        raise OptionError(f"{quantize!r} is not a way to quantise what is written; say int8, or nothing")
    if quantize and dtype is not None:
        raise OptionError(f"quantize {quantize} takes the place of the dtype {dtype}; give one of them")
    if quantize:
        return torch.float16
    return None if dtype is None else choose_dtype(dtype, torch.device("cpu"))


def _write(checkpoint: Checkpoint, parts: Parts, target: Path, dtype: torch.dtype | None, int8: bool) -> None:
    with replacing(target / TOKENIZER) as temporary:
        parts.tokenizer.save(temporary)
    _write_voices(parts, target)
    _write_weights(checkpoint, target, dtype, int8)
    save_checkpoint(target, checkpoint.config, {})


def _write_voices(parts: Parts, target: Path) -> None:
    for name in parts.voices.names():
        path = target / "voices" / f"{name}.npz"
        make_folder(path.parent)
        parts.voices.load(name).save(path)


def _write_weights(checkpoint: Checkpoint, target: Path, dtype: torch.dtype | None, int8: bool) -> None:
    for part in PARTS:  # one after another, so that no more than one is in memory
        module = Parts(checkpoint, torch.device("cpu"), None).module(part)
        path = target / f"{part}.safetensors"
        if part == "codec":  # which the module has in float32
            save_tensors(checkpoint.tensors(part), path, None)
        else:
            kept = int8 or (dtype is None and checkpoint.int8(part))
            save_tensors(module.state_dict(), path, dtype, int8=kept)
    extra = checkpoint.folder / EXTRA
    if extra.is_file():
        save_tensors(read_tensors(extra), target / EXTRA, None)
