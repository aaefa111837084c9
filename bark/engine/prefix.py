"""What of a sequence's tokens its model needn't read again."""

from __future__ import annotations

from collections.abc import Sequence


class Prefix:
    """The tokens that a sequence has had read, at positions 0, 1, …

    The same tokens at the same positions have the same keys and values, so what begins like them is known.
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []

    def step(self, token: int) -> None:
        """One more token is read, at the next position."""
        self._tokens.append(token)

    def start(self, tokens: Sequence[int]) -> int:
        """Begins anew with these tokens; gives how many of them, but never all, have been read before."""
        same = min(common_prefix(self._tokens, tokens), len(tokens) - 1)
        self._tokens = list(tokens)
        return same


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens at the beginning are the same."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
