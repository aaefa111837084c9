"""Which of several takes of an utterance is most likely said rightly, by the semantic tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MOMENT = 0.2  # seconds over which surprise is averaged: a sound or two
SURE, ALIKE = 2.0, 1.0  # weights of the two; docs/pup.md has how they were found


def ranked(takes: Sequence[Sequence[int]], nats: Sequence[FloatArray], rate: float) -> list[int]:
    """The takes' numbers, the best first.

    A take is good if the model isn't surprised by it even where it is most (`surprise`), and if it is like the others:
    what goes wrong in one goes otherwise in the next (minimum Bayes risk decoding; Kumar and Byrne 2004, by edits of
    tokens). Both count in standard deviations among the takes. A take of nothing comes last.

    Args:
        takes: semantic tokens [T] of each.
        nats: by which each of these surprises the model, [T].
        rate: tokens a second.
    """
    said = [number for number, take in enumerate(takes) if take]
    worst = _standing([_peak(nats[number], max(1, round(MOMENT * rate))) for number in said])
    apart = _standing(_apart([takes[number] for number in said]))
    order = np.argsort(SURE * worst + ALIKE * apart, kind="stable")
    return [*(said[place] for place in order), *(n for n, take in enumerate(takes) if not take)]


def edit_distance(a: Sequence[int], b: Sequence[int]) -> int:
    """Tokens that must be put in, left out or replaced to make one sequence of the other (Levenshtein 1966).

    A column of the table at a time, in the bits of two whole numbers, as Hyyrö has it (2003, "A bit-vector algorithm
    for computing Levenshtein and Damerau edit distances").
    """
    if not a or not b:
        return max(len(a), len(b))
    places: dict[int, int] = {}
    for place, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << place
    everywhere, last = (1 << len(a)) - 1, 1 << len(a) - 1
    more, less, distance = everywhere, 0, len(a)  # where the column goes up by one, and down
    for token in b:
        same = places.get(token, 0)
        straight = (((same & more) + more) ^ more) | same | less
        right_more = less | ~(straight | more) & everywhere
        right_less = more & straight
        distance += bool(right_more & last) - bool(right_less & last)
        right_more = (right_more << 1 | 1) & everywhere
        right_less = right_less << 1 & everywhere
        more = right_less | ~(same | less | right_more) & everywhere
        less = right_more & (same | less)
    return distance


def _apart(takes: Sequence[Sequence[int]]) -> list[float]:
    """Of each take the edits that the others are away, to a token of the longer one."""
    sums = [0.0] * len(takes)
    for a, b in combinations(range(len(takes)), 2):
        apart = edit_distance(takes[a], takes[b]) / max(len(takes[a]), len(takes[b]))
        sums[a] += apart
        sums[b] += apart
    return sums


def _peak(nats: FloatArray, width: int) -> float:
    """The greatest mean of so many nats in a row."""
    if len(nats) <= width:
        return float(nats.mean())
    sums = np.cumsum(np.concatenate([[0.0], nats]))
    return float((sums[width:] - sums[:-width]).max() / width)


def _standing(values: Sequence[float]) -> FloatArray:
    """How many standard deviations each is above the mean."""
    each = np.array(values, dtype=np.float64)
    spread = each.std() if len(each) else 0.0
    standing: FloatArray = (each - each.mean()) / spread if spread > 0 else np.zeros(len(each))
    return standing
