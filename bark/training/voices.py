"""Which clip may stand before which: clips by voice and by length, and whose voice it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from bark.errors import TrainingError
from bark.training.tokenized import TokenClip

Length = Callable[[TokenClip], int]
KINDS = {"f": "WOMAN", "m": "MAN"}
KOKORO = re.compile(r"[a-z]([fm])_\w+")


def kind_of_teacher(voice: str) -> str | None:
    """`MAN` or `WOMAN` by the name of a voice of Kokoro, `am_puck`; of a blend, `a+b`, where all of it agree."""
    found = [KOKORO.fullmatch(name) for name in voice.split("+")]
    kinds = {KINDS[each[1]] if each else None for each in found}
    return kinds.pop() if len(kinds) == 1 else None


class ClipPool:
    """Clips to draw from; it may be empty, but then nothing can be drawn.

    Args:
        clips: of any order.
        weights: how often a clip is drawn, relative to others; one number a clip.
        length: of a clip, by which batches of similar length are drawn.
    """

    def __init__(self, clips: Sequence[TokenClip], weights: Sequence[float], length: Length) -> None:
        order = np.argsort(np.asarray([length(clip) for clip in clips], np.int64), kind="stable")
        self._clips: list[TokenClip] = [clips[i] for i in order]
        self._shares = np.cumsum(np.asarray(weights, np.float64)[order])
        self._shares /= self._shares[-1:]
        self._lengths = np.asarray([length(clip) for clip in self._clips])
        self._by_voice: dict[str, list[TokenClip]] = {}
        for clip in self._clips:
            self._by_voice.setdefault(clip.voice, []).append(clip)

    def __len__(self) -> int:
        return len(self._clips)

    def __contains__(self, voice: str) -> bool:
        return voice in self._by_voice

    def one(self, rng: np.random.Generator) -> TokenClip:
        """A clip."""
        return self._clips[int(np.searchsorted(self._shares, rng.random()))]

    def alike(self, rng: np.random.Generator, budget: int, spread: float = 0.05) -> list[TokenClip]:
        """Clips of similar length: as many as fit a budget of tokens.

        Args:
            spread: the share of the pool that the batch is drawn from.
        """
        draws = np.abs(rng.random() + spread * (rng.random(budget) - 0.5))
        draws = 1 - np.abs(1 - draws)  # mirrored at both ends, so that no clip is drawn more often than its weight says
        chosen: list[TokenClip] = []
        longest = 0
        for draw in draws:
            i = int(np.searchsorted(self._shares, draw))
            longest = max(longest, int(self._lengths[i]))
            if chosen and longest * (len(chosen) + 1) > budget:
                break
            chosen.append(self._clips[i])
        return chosen

    def another(self, rng: np.random.Generator, clip: TokenClip) -> TokenClip | None:
        """Another clip of the same voice; None where there is none: its own tokens would tell what is to be written."""
        clips = self._by_voice[clip.voice]
        chosen = int(rng.integers(len(clips)))
        if clips[chosen] is not clip:
            return clips[chosen]
        return clips[(chosen + 1) % len(clips)] if len(clips) > 1 else None

    def same_voice(self, rng: np.random.Generator, voice: str) -> TokenClip:
        """A clip of that voice."""
        clips = self._by_voice[voice]
        return clips[rng.integers(len(clips))]


def split(clips: Sequence[TokenClip], weights: Sequence[float], length: Length) -> tuple[ClipPool, ClipPool]:
    """Clips to train on, drawn as their weights say, and those kept back, all alike.

    Raises:
        TrainingError: there is nothing to train on.
    """
    train = [(clip, weight) for clip, weight in zip(clips, weights, strict=True) if not clip.held_out]
    if not train:
        raise TrainingError("there is no clip to train on: all are too long for the model, or held out for validation")
    held_out = [clip for clip in clips if clip.held_out]
    pool = ClipPool([clip for clip, _ in train], [weight for _, weight in train], length)
    return pool, ClipPool(held_out, [1.0] * len(held_out), length)
