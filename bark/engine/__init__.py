"""Tokens to tokens: the three stages and how they sample. Nothing here knows of text, files or sound.

A stage is made from a model and its `ModelConfig`, keeps no state between calls, and gives an iterator:

    SemanticStage(gpt, config).generate(text_ids, history, options=…, generator=…)       → int, int, …
    CoarseStage(gpt, config).generate(semantic, history, options=…, generator=…)         → codes [n_coarse, t], …
    FineStage(fine_gpt, config).generate(coarse_codes, history, options=…, generator=…)  → codes [n_codebooks, t], …

The coarse and the fine stage also take the iterator of the stage before them, and read from it no further than
their next window needs: `fine.generate(coarse.generate(semantic.generate(ids)))` is the whole way, streaming.
What is joined from the pieces is the batch output; there is no other.

`stage_generator(seed, "semantic", device)` makes the source of a stage's draws.
"""

from bark.engine.coarse import CoarseHistory, CoarseStage
from bark.engine.fine import FineStage
from bark.engine.kv_cache import KVCache
from bark.engine.sampling import Sampler, stage_generator
from bark.engine.semantic import SemanticStage

__all__ = [
    "CoarseHistory",
    "CoarseStage",
    "FineStage",
    "KVCache",
    "Sampler",
    "SemanticStage",
    "stage_generator",
]
