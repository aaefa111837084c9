"""What an utterance looks at while it is written, so that nobody has to read it again to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bark.engine.kv_cache import KVCache

FloatArray = npt.NDArray[np.float64]


@dataclass(eq=False)
class Gaze:
    """Where some heads look at each step of one utterance.

    Attributes:
        heads: (layer, head) pairs.
        cache: that keeps the utterance's keys and those layers' queries; set by who writes it, if it keeps any.
        shares: of each step's attention, the mean of the heads, what goes to each text token, [T, N]; None until the
            utterance has ended, and where no queries are kept.
    """

    heads: Sequence[tuple[int, int]]
    cache: KVCache | None = None
    shares: FloatArray | None = None

    def follow(self, cache: KVCache) -> None:
        """What is written from now on is kept there."""
        cache.watch({layer for layer, _ in self.heads})
        self.cache = cache

    def end(self, start: int, steps: int, tokens: int) -> None:
        """The utterance is written, and its cache may be another's from now on.

        Args:
            start: place in the cache of what decided the first step.
            steps: T.
            tokens: N, which are the first that were read.
        """
        if self.cache is None:
            return
        looks = [self.cache.weights(layer, head, start, start + steps)[:, :tokens] for layer, head in self.heads]
        self.shares = np.mean([each.cpu().double().numpy() for each in looks], axis=0)
        self.cache = None
