"""The shapes that are measured: Suno's two, and one that is done in seconds."""

from __future__ import annotations

from dataclasses import replace

from bark.models.config import SUNO_LARGE, SUNO_SMALL, ModelConfig

TRUNK = {"n_layer": 2, "n_head": 2, "n_embd": 16}
TINY = replace(  # in windows, vocabularies and codec as the others: the peers have those in their code
    SUNO_SMALL,
    name="tiny",
    semantic=replace(SUNO_SMALL.semantic, **TRUNK),
    coarse=replace(SUNO_SMALL.coarse, **TRUNK),
    fine=replace(SUNO_SMALL.fine, **TRUNK),
)
SHAPES: dict[str, ModelConfig] = {"tiny": TINY, "small": SUNO_SMALL, "large": SUNO_LARGE}
