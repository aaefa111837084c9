"""Whether a model is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch

from bark.checkpoints.base import Checkpoint
from bark.checkpoints.opening import open_model
from bark.errors import BarkError, CheckpointError
from bark.parts import PARTS, Parts
from bark.settings import Settings


def find_faults(model: str | os.PathLike[str], settings: Settings | None = None) -> list[str]:
    """What is wrong with a model, a sentence each: missing files, shapes that don't fit, weights that aren't numbers.

    All weights, the tokenizer and every voice are read.

    Args:
        model: a name or a folder.
        settings: say where to look; None reads the environment.

    Raises:
        WeightsNotFoundError: there is no such model.
    """
    try:
        checkpoint = open_model(model, settings)
    except CheckpointError as error:
        return [str(error)]
    parts = Parts(checkpoint, torch.device("cpu"), torch.float32)
    return list(dict.fromkeys([*_weights(checkpoint), *_tokenizer(parts), *_voices(parts)]))


def _weights(checkpoint: Checkpoint) -> Iterator[str]:
    for part in PARTS:
        try:
            tensors = Parts(checkpoint, torch.device("cpu"), None).module(part).state_dict()
        except BarkError as error:
            yield str(error)
            continue
        broken = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
        if broken:
            more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
            yield f"{checkpoint.source(part)}: {broken[0]}{more} holds values that are not finite numbers"


def _tokenizer(parts: Parts) -> Iterator[str]:
    try:
        _ = parts.tokenizer
    except BarkError as error:
        yield str(error)


def _voices(parts: Parts) -> Iterator[str]:
    try:
        library = parts.voices
    except BarkError:  # the config's fault, which the weights have told
        return
    for name in library.names():
        try:
            library.load(name)
        except BarkError as error:
            yield str(error)
