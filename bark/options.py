"""What a caller may choose. Every value is checked when the options are made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from bark.errors import OptionError

MAX_SEED = 2**63 - 1
MAX_RETRIES = 100
MAX_BEST_OF = 64


class ModelsOwn(float):
    """A number that stands for what suits the model, as long as a caller doesn't put another in its place.

    It equals the number that Suno's functions have there, which is what suits Suno's models.
    """


@dataclass(frozen=True)
class SamplingOptions:
    """How one stage picks a token from its logits.

    Attributes:
        temperature: divides the logits; None or 0 always takes the likeliest token.
        top_k: only the k likeliest tokens can be picked; None for all.
        top_p: only the likeliest tokens whose probabilities add up to p can be picked; None for all.
        repetition_window: last tokens of the stage looked at for repetition; 0 for none.
        repetition_ratio: a token that fills more than this part of the window is drawn again without top_k and
            top_p (repetition-aware sampling, Chen et al. 2024, VALL-E 2).

    Raises:
        OptionError: a value makes no sense.
    """

    temperature: float | None = 0.7
    top_k: int | None = None
    top_p: float | None = None
    repetition_window: int = 0
    repetition_ratio: float = 0.1

    def __post_init__(self) -> None:
        if self.temperature is not None:
            _number("temperature", self.temperature, 0, 100)
        if self.top_k is not None:
            _whole("top_k", self.top_k, 1)
        if self.top_p is not None:
            _number("top_p", self.top_p, 0, 1, above=True)
        _whole("repetition_window", self.repetition_window, 0)
        _number("repetition_ratio", self.repetition_ratio, 0, 1)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return not self.temperature


@dataclass(frozen=True)
class GenerateOptions:
    """How an utterance is made.

    Attributes:
        seed: 0 … 2**63 − 1; the same seed gives the same tokens on the same machine. None draws one.
        semantic, coarse, fine: sampling of each stage.
        min_eos_p: the semantic stage stops when the end has at least this probability; None waits for it to
            be sampled.
        max_duration: seconds of speech at most; None leaves it to the model's limit.
        retries: how often a line may be said anew, with the next seed, when it looks wrong (`bark.guards`); 0 leaves
            it as it comes, and unchecked.
        best_of: takes of a line's semantic tokens, made side by side, of which the one is spoken that tells most of its
            text, as the model itself reads it (`bark.trying`); it takes that much more of the first stage.

    Raises:
        OptionError: a value makes no sense.
    """

    seed: int | None = None
    semantic: SamplingOptions = field(default_factory=SamplingOptions)
    coarse: SamplingOptions = field(default_factory=SamplingOptions)
    fine: SamplingOptions = field(default_factory=lambda: SamplingOptions(temperature=0.5))
    min_eos_p: float | None = 0.2
    max_duration: float | None = None
    retries: int = 2
    best_of: int = 1

    def __post_init__(self) -> None:
        if self.seed is not None:
            _whole("seed", self.seed, 0, MAX_SEED)
        for name in ("semantic", "coarse", "fine"):
            if not isinstance(getattr(self, name), SamplingOptions):
                raise OptionError(f"{name} must be SamplingOptions, not {getattr(self, name)!r}")
        if self.min_eos_p is not None:
            _number("min_eos_p", self.min_eos_p, 0, 1, above=True)
        if self.max_duration is not None:
            _number("max_duration", self.max_duration, 0, math.inf, above=True)
        _whole("retries", self.retries, 0, MAX_RETRIES)
        _whole("best_of", self.best_of, 1, MAX_BEST_OF)

    def with_changes(self, temperature: float | None = None, **changes: Any) -> GenerateOptions:
        """These options, with those that are not None changed.

        Args:
            temperature: of the semantic and coarse stages; the fine stage keeps its own, as in the original.
            changes: fields of this class.

        Raises:
            OptionError: a value makes no sense.
        """
        changes = {name: value for name, value in changes.items() if value is not None}
        if temperature is not None:
            for name in ("semantic", "coarse"):
                changes.setdefault(name, replace(getattr(self, name), temperature=temperature))
        return replace(self, **changes)


def _number(name: str, value: object, low: float, high: float, above: bool = False) -> None:
    """Checks low ≤ value ≤ high, or low < value where `above`."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and low <= number <= high) or (above and number == low):
        bounds = f"{'above' if above else 'at least'} {low:g}" + (f" and at most {high:g}" if high < math.inf else "")
        raise OptionError(f"{name} must be a number {bounds}, not {value!r}")


def _whole(name: str, value: object, low: int, high: int | None = None) -> None:
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or value < low or (high is not None and value > high):  # type: ignore[operator]
        bounds = f"at least {low}" + (f" and at most {high}" if high is not None else "")
        raise OptionError(f"{name} must be a whole number, {bounds}, not {value!r}")
