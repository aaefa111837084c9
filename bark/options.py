"""What a caller may choose. Every value is checked when the options are made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
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


class ModelsOwnCount(int):
    """The same of whole numbers."""


@dataclass(frozen=True)
class SamplingOptions:
    """How one stage picks a token from its logits.

    Attributes:
        temperature: divides the logits; None or 0 always takes the likeliest token. Where none is given, the model's
            own, and so is what else isn't.
        top_k: only the k likeliest tokens can be picked; None for all.
        top_p: only the likeliest tokens whose probabilities add up to p can be picked; None for all.
        repetition_window: last tokens of the stage looked at for repetition; 0 for none.
        repetition_ratio: a token that fills more than this part of the window is drawn again without top_k and
            top_p (repetition-aware sampling, Chen et al. 2024, VALL-E 2).

    Raises:
        OptionError: a value makes no sense.
    """

    temperature: float | None = ModelsOwn(0.7)
    top_k: int | None = None
    top_p: float | None = None
    repetition_window: int = 0
    repetition_ratio: float = 0.1

    def __post_init__(self) -> None:
        _keep(self, "temperature", _number, 0, 100)
        _keep(self, "top_k", _whole, 1)
        _keep(self, "top_p", _number, 0, 1, above=True)
        _keep(self, "repetition_window", _whole, 0)
        _keep(self, "repetition_ratio", _number, 0, 1)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return not self.temperature

    def suited(self, own: SamplingOptions) -> SamplingOptions:
        """These options; a model's `own` where no temperature is given, but for what else is."""
        if not isinstance(self.temperature, ModelsOwn):
            return self
        rest = [each for each in fields(self) if each.name != "temperature"]
        given = {each.name: getattr(self, each.name) for each in rest if getattr(self, each.name) != each.default}
        return replace(own, **given)


@dataclass(frozen=True)
class GenerateOptions:
    """How an utterance is made. What isn't given is what suits the model, `ModelConfig.generation`.

    Attributes:
        seed: 0 … 2**63 − 1; the same seed gives the same tokens on the same machine. None draws one.
        semantic, coarse, fine: sampling of each stage.
        min_eos_p: the semantic stage stops when the end has at least this probability; None waits for it to
            be sampled.
        max_duration: seconds of speech at most; None leaves it to the model's limit.
        retries: how often a line may be said anew, with the next seed, when it looks wrong (`bark.guards`); 0 leaves
            it as it comes, and unchecked.
        best_of: takes of a line's semantic tokens, made side by side, of which the one is spoken that surprises the
            model least where it does most, and is most like the others (`bark.engine.choosing`); it takes that much
            more of the first stage.

    Raises:
        OptionError: a value makes no sense.
    """

    seed: int | None = None
    semantic: SamplingOptions = field(default_factory=SamplingOptions)
    coarse: SamplingOptions = field(default_factory=SamplingOptions)
    fine: SamplingOptions = field(default_factory=lambda: SamplingOptions(temperature=ModelsOwn(0.5)))
    min_eos_p: float | None = ModelsOwn(0.2)
    max_duration: float | None = None
    retries: int = ModelsOwnCount(2)
    best_of: int = ModelsOwnCount(1)

    def __post_init__(self) -> None:
        _keep(self, "seed", _whole, 0, MAX_SEED)
        for name in ("semantic", "coarse", "fine"):
            if not isinstance(getattr(self, name), SamplingOptions):
                raise OptionError(f"{name} must be SamplingOptions, not {getattr(self, name)!r}")
        if self.fine.repetition_window:
            raise OptionError("repetition_window: the fine stage writes all frames at once; set it to 0 there")
        _keep(self, "min_eos_p", _number, 0, 1, above=True)
        _keep(self, "max_duration", _number, 0, math.inf, above=True)
        for name, low, high in (("retries", 0, MAX_RETRIES), ("best_of", 1, MAX_BEST_OF)):
            object.__setattr__(self, name, _whole(name, getattr(self, name), low, high))  # None is none of them

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

    def suited(self, own: GenerateOptions) -> GenerateOptions:
        """These options, with a model's `own` in place of what isn't given."""
        suited: dict[str, Any] = {
            name: getattr(self, name).suited(getattr(own, name)) for name in ("semantic", "coarse", "fine")
        }
        for name in ("min_eos_p", "retries", "best_of"):
            if isinstance(getattr(self, name), (ModelsOwn, ModelsOwnCount)):
                suited[name] = getattr(own, name)
        for name in ("seed", "max_duration"):
            if getattr(self, name) is None:
                suited[name] = getattr(own, name)
        return replace(self, **suited)


def _keep(options: object, name: str, check: Callable[..., float], *bounds: float, **more: bool) -> None:
    """Checks a number, if there is one, and keeps it as Python's own: NumPy's overflow, and go into no JSON."""
    value = getattr(options, name)
    if value is not None:
        object.__setattr__(options, name, check(name, value, *bounds, **more))


def _number(name: str, value: object, low: float, high: float, above: bool = False) -> float:
    """The number, once low ≤ value ≤ high, or low < value where `above`."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and low <= number <= high) or (above and number == low):
        bounds = f"{'above' if above else 'at least'} {low:g}" + (f" and at most {high:g}" if high < math.inf else "")
        raise OptionError(f"{name} must be a number {bounds}, not {value!r}")
    return value if isinstance(value, (ModelsOwn, int)) else number


def _whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """The whole number, once it is within the bounds."""
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or value < low or (high is not None and value > high):  # type: ignore[operator]
        bounds = f"at least {low}" + (f" and at most {high}" if high is not None else "")
        raise OptionError(f"{name} must be a whole number, {bounds}, not {value!r}")
    return value if isinstance(value, ModelsOwnCount) else int(value)  # type: ignore[call-overload]
