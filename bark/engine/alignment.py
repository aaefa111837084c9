"""When each text token of an utterance sounds: told by heads of the semantic model that look at what is being said.

Some heads have been taught to do so (`bark.training.semantic`), and `ModelConfig.alignment_heads` names them. Their
attention is kept while an utterance is written (`bark.engine.gaze`); of any other, one pass over the whole of it gives
it, through the layers below the last of them. The path through it that never goes back, and on which most attention
lies, gives the times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bark.engine.checks import Tokens
from bark.engine.semantic import SemanticStage
from bark.models.gpt import GPT
from bark.models.layers import Block
from bark.tokens import IntArray

FloatArray = npt.NDArray[np.float64]

FLOOR = 1e-3  # of a share of attention: how unlikely a token is that nothing looks at
LEAD = 0.02  # seconds by which the heads look ahead, the mean of pup's two, measured against known phoneme times
LASTING = 5  # steps: of as many, the middle one of the tokens looked at counts; a shorter glance back is none
SKIPPED = 1.0  # cost, in nats, of a token that has no time at all


@dataclass(frozen=True, eq=False)
class Alignment:
    """An utterance of T semantic tokens, and the N text tokens that it says.

    Attributes:
        attention: the share of each step's attention that goes to each text token, [T, N]; the rest goes elsewhere.
        path: the text token that sounds at each step, [T]; it never goes back.
        rate: steps a second.
    """

    attention: FloatArray
    path: IntArray
    rate: float

    @classmethod
    def of(cls, attention: FloatArray, rate: float) -> Alignment:
        """That of shares of attention [T, N], whose path is the best through them."""
        return cls(attention, best_path(attention), rate)

    @property
    def spans(self) -> FloatArray:
        """Seconds at which each text token begins and ends, [N, 2]: each begins where the one before it ends.

        One that has no step of its own begins where it ends.
        """
        tokens = np.arange(self.attention.shape[1])
        edges = np.stack([np.searchsorted(self.path, tokens, side) for side in ("left", "right")], 1)
        late = np.where(edges > 0, np.minimum(edges + LEAD * self.rate, len(self.path)), edges)
        spans: FloatArray = late / self.rate
        return spans

    @property
    def heard(self) -> FloatArray:
        """Seconds of attention that each text token got, [N]: next to nothing for what was left out."""
        seconds: FloatArray = self.attention.sum(0) / self.rate
        return seconds

    @property
    def focus(self) -> FloatArray:
        """For each step, the share of attention that goes to the path or a token beside it, [T]."""
        padded = np.pad(self.attention, ((0, 0), (1, 1)))
        beside = self.path[:, None] + np.arange(3)
        shares: FloatArray = np.take_along_axis(padded, beside, 1).sum(1)
        return shares

    @property
    def unreached(self) -> int:
        """Text tokens at the end that were never looked at more than all others."""
        return int(self.attention.shape[1] - 1 - self._strongest().max(initial=-1))

    @property
    def setback(self) -> int:
        """Text tokens that attention once went back, at most: a word or more where something was said again."""
        padded = np.pad(self._strongest(), LASTING // 2, mode="edge") if len(self.path) else np.zeros(LASTING, np.int64)
        lasting = np.median(np.lib.stride_tricks.sliding_window_view(padded, LASTING), axis=1)
        return int((np.maximum.accumulate(lasting) - lasting).max())

    def _strongest(self) -> IntArray:
        """For each step the text token that is looked at most, [T]; in the silence before the first word, that word's.

        Before anything is said the heads look at the end of the text, as they do in the silence after it.
        """
        if not self.attention.size:
            return np.zeros(0, np.int64)
        strongest: IntArray = self.attention.argmax(1)
        began = np.flatnonzero(strongest != self.attention.shape[1] - 1)
        if len(began):
            strongest[: began[0]] = strongest[began[0]]
        return strongest


def align(
    stage: SemanticStage, text: Tokens, history: Tokens | None, semantic: Tokens, heads: Sequence[tuple[int, int]] = ()
) -> Alignment | None:
    """Where an utterance says its text; None for a model of which no heads are known that tell it.

    Args:
        stage: that said it, or could have.
        text: token ids [N], as `SemanticStage.generate` takes them.
        history: the voice's semantic tokens that it was said with.
        semantic: what was said, [T].
        heads: (layer, head) pairs that look at what is being said; else the model's own.

    Raises:
        TextError: there is no text, too much of it, or it is not of this model's vocabulary.
        VoiceError: the history is not of this model's vocabulary.
        OptionError: the utterance is not of this model's vocabulary, or longer than the model can say.
    """
    heads = heads or stage.alignment_heads
    if not heads:
        return None
    with torch.inference_mode():
        embedded, positions, prompt = stage.whole(text, history, semantic)
        attention = text_attention(stage.model, embedded, positions, heads)
    # row by row, what decides the next token; of nothing said, there is none
    tokens, steps = torch.as_tensor(text).numel(), torch.as_tensor(semantic).numel()
    shares = attention[prompt - 1 :, :tokens][:steps].double().cpu().numpy()
    return Alignment.of(shares, stage.tokens.semantic_rate)


def text_attention(model: GPT, embedded: Tensor, positions: Tensor, heads: Sequence[tuple[int, int]]) -> Tensor:
    """Mean of some heads' attention weights [T, T], by as much of a pass as that takes.

    Args:
        model: its linear layers may be packed (`bark.engine.quantize`).
        embedded: [1, T, C].
        positions: [T].
        heads: (layer, head) pairs that the model has; at least one.
    """
    x = embedded + model.wpe(positions)
    last = max(layer for layer, _ in heads)
    total = torch.zeros((), device=x.device)
    for layer, block in enumerate(model.h):
        assert isinstance(block, Block)
        normed = block.ln_1(x)
        for place, head in heads:
            if place == layer:
                total = total + block.attn.weights(normed, head)[0]
        if layer == last:
            break
        x = block(x, layer)
    return total / len(heads)


def best_path(attention: FloatArray) -> IntArray:
    """The way through attention [T, N] that never goes back and has the greatest product of shares, [T].

    It may pass over tokens, at the start and the end too, but each costs it. Found by dynamic programming (Viterbi
    1967), in time T · N: the best way to a token from any before it is a running maximum.
    """
    steps, tokens = attention.shape
    if not steps:
        return np.zeros(0, np.int64)
    gains = np.log(attention + FLOOR)
    passed = np.arange(tokens) * SKIPPED
    best = gains[0] - passed
    came = np.empty((steps, tokens), np.int64)
    for step in range(1, steps):
        source = _running_argmax(best + passed)
        source[1:] = source[:-1]
        jump = best[source] - (np.arange(tokens) - source - 1).clip(0) * SKIPPED
        source = np.where(best >= jump, np.arange(tokens), source)
        came[step] = source
        best = np.maximum(best, jump) + gains[step]
    path = np.empty(steps, np.int64)
    path[-1] = int((best + passed).argmax())
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came[step, path[step]]
    return path


def _running_argmax(values: FloatArray) -> IntArray:
    """For each place, that of the greatest value up to it."""
    places: IntArray = np.where(values >= np.maximum.accumulate(values), np.arange(len(values)), 0)
    return np.maximum.accumulate(places)
