"""What a model likes best to say: tokens that every implementation and every device must agree on in float32."""

from __future__ import annotations

from itertools import islice

import numpy as np

from bark.engine import CoarseHistory
from bark.evaluation.speed import row
from bark.options import SamplingOptions
from bark.pipeline import Bark
from bark.tokens import IntArray
from bark.voices import Voice

GREEDY = SamplingOptions(temperature=0)


def likeliest(bark: Bark, text: IntArray, tokens: int, voice: Voice | None = None) -> dict[str, list[int]]:
    """The likeliest tokens of each stage, for inputs that don't depend on the stage before.

    Args:
        bark: the model.
        text: ids [N] that are spoken.
        tokens: semantic tokens, those the coarse stage reads, and frames of the fine stage.
        voice: to go on with.
    """
    history = CoarseHistory(voice.semantic, voice.coarse) if voice else None
    given = row(tokens, bark.config.tokens.semantic_vocab)
    some = np.resize(given % bark.config.tokens.codebook_size, (bark.config.tokens.n_coarse, tokens))
    with bark.parts.semantic() as stage:
        endless = stage.generate(text, voice.semantic if voice else None, options=GREEDY, stop_at_eos=False)
        semantic = list(islice(endless, tokens))
    with bark.parts.coarse() as coarse_stage:
        codes = np.concatenate(list(coarse_stage.generate(given, history, options=GREEDY)), axis=1)
    with bark.parts.fine() as fine_stage:
        fine = np.concatenate(list(fine_stage.generate(some, voice.fine if voice else None, options=GREEDY)), axis=1)
    return {"semantic": semantic, "coarse": codes.T.ravel().tolist(), "fine": fine[len(some) :].ravel().tolist()}


def agreement(tokens: dict[str, list[int]], others: dict[str, list[int]]) -> dict[str, float]:
    """Share of each stage's tokens that are the same at the same place."""
    return {
        stage: sum(a == b for a, b in zip(said, others[stage], strict=False)) / max(1, len(said), len(others[stage]))
        for stage, said in tokens.items()
    }
