"""How unlikely a model finds what it has said."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from bark.engine.checks import Tokens
from bark.engine.semantic import SemanticStage

FloatArray = npt.NDArray[np.float64]


def surprise(stage: SemanticStage, text: Tokens, history: Tokens | None, semantic: Tokens) -> FloatArray:
    """Nats by which each semantic token surprises the model at temperature 1, [T]: −ln of its probability.

    However the tokens were picked: hot sampling, or a bad start, shows as tokens that the model itself thinks little
    of. One pass over the whole utterance.

    Args:
        stage: that said it, or could have.
        text: token ids [N], as `SemanticStage.generate` takes them.
        history: the voice's semantic tokens that it was said with.
        semantic: what was said, [T].

    Raises:
        TextError: there is no text, too much of it, or it is not of this model's vocabulary.
        VoiceError: the history is not of this model's vocabulary.
        OptionError: the utterance is not of this model's vocabulary, or longer than the model can say.
    """
    said = torch.as_tensor(semantic, dtype=torch.int64)
    if not len(said):
        return np.zeros(0)
    with torch.inference_mode():
        embedded, positions, _ = stage.whole(text, history, semantic)
        logits = stage.logits(stage.model(embedded, positions, tail=len(said)))[0].float()
        nats: FloatArray = (
            torch.nn.functional.cross_entropy(logits, said.to(logits.device), reduction="none").double().cpu().numpy()
        )
    return nats
