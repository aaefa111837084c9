"""Speaks the cases through the functions that have the original's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from bark import generation
from tests.parity.cases import NEARLY_ZERO, Arrays, Case, voice


def speak(case: Case) -> Arrays:
    """Tokens of every stage, and the audio; the model is that of `BARK_MODEL`."""
    before = voice() if case.voice else None
    settings: dict[str, Any] = {"temp": NEARLY_ZERO, "silent": True, "use_kv_caching": case.cached}
    rows = [
        generation.generate_text_semantic(
            text, before, max_gen_duration_s=seconds, allow_early_stop=seconds is not None, **settings
        )
        for text, seconds in case.texts
    ]
    semantic = np.concatenate(rows)
    coarse = generation.generate_coarse(semantic, before, **settings)
    fine = generation.generate_fine(coarse, before, temp=None)
    return {"semantic": semantic, "coarse": coarse, "fine": fine, "audio": generation.codec_decode(fine)}
