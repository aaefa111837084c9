"""Which clip may stand before which: clips by voice and by length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bark.training.tokenized import TokenClip


class ClipPool:
    """Clips to draw from.

    Args:
        clips: of any order.
        weights: how often a clip is drawn, relative to others; one number a clip.
        length: of a clip, by which batches of similar length are drawn.
    """

    def __init__(
        self, clips: Sequence[TokenClip], weights: Sequence[float], length: Callable[[TokenClip], int]
    ) -> None:
        order = np.argsort([length(clip) for clip in clips], kind="stable")
        self._clips = [clips[i] for i in order]
        self._shares = np.cumsum(np.asarray(weights, np.float64)[order])
        self._shares /= self._shares[-1]
        self._lengths = np.asarray([length(clip) for clip in self._clips])
        self._by_voice: dict[str, list[TokenClip]] = {}
        for clip in self._clips:
            self._by_voice.setdefault(clip.voice, []).append(clip)

    def __len__(self) -> int:
        return len(self._clips)

    def one(self, rng: np.random.Generator) -> TokenClip:
        """A clip."""
        return self._clips[int(np.searchsorted(self._shares, rng.random()))]

    def alike(self, rng: np.random.Generator, budget: int, spread: float = 0.05) -> list[TokenClip]:
        """Clips of similar length: as many as fit a budget of tokens.

        Args:
            spread: the share of the pool that the batch is drawn from.
        """
        centre = rng.random()
        draws = np.clip(centre + spread * (rng.random(budget) - 0.5), 0, 1 - 1e-9)
        chosen: list[TokenClip] = []
        longest = 0
        for draw in draws:
            i = int(np.searchsorted(self._shares, draw))
            longest = max(longest, int(self._lengths[i]))
            if chosen and longest * (len(chosen) + 1) > budget:
                break
            chosen.append(self._clips[i])
        return chosen

    def same_voice(self, rng: np.random.Generator, voice: str) -> TokenClip:
        """A clip of that voice."""
        clips = self._by_voice[voice]
        return clips[rng.integers(len(clips))]
