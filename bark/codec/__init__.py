"""Audio to discrete codes and back. `build_codec` makes the one that a model's config names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bark.codec.encodec import EnCodec, EnCodecConfig
from bark.codec.pup import PupCodec, PupCodecConfig
from bark.errors import CheckpointError
from bark.models.config import from_mapping

__all__ = ["build_codec"]


def build_codec(config: Mapping[str, Any]) -> PupCodec | EnCodec:
    """The codec of a model, with fresh weights.

    Args:
        config: `ModelConfig.codec`: the codec's `kind` and its shape.

    Raises:
        CheckpointError: no such kind, or settings it doesn't know.
    """
    settings = dict(config)
    kind = settings.pop("kind", None)
    if kind == "pup":
        return PupCodec(from_mapping(PupCodecConfig, settings, "config.json: codec"))
    if kind == "encodec":
        return EnCodec(from_mapping(EnCodecConfig, settings, "config.json: codec"))
    raise CheckpointError(f"config.json: codec: no codec of kind {kind!r}; there are 'encodec' and 'pup'")
