"""From logits to a token: a list of filters, then one draw, without waiting for the device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from bark.engine.device import shared_generator
from bark.errors import OptionError
from bark.options import SamplingOptions

NEVER = float("-inf")


class LogitFilter(Protocol):
    """Reshapes a distribution: logits [..., V] to logits [..., V], −inf where a token can't be picked."""

    def __call__(self, logits: Tensor) -> Tensor:
        """Gives new logits; those passed in stay as they are."""


@dataclass(frozen=True)
class Temperature:
    """Divides the logits: below 1 sharpens, above 1 flattens."""

    LEAST: ClassVar[float] = 1e-20  # less would make infinities, and of them no distribution

    value: float

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits of the tempered distribution."""
        return logits / max(self.value, self.LEAST)


@dataclass(frozen=True)
class TopK:
    """Keeps exactly the k likeliest tokens: of equal logits at the edge, only as many as there is room for."""

    k: int

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits, −inf outside the top k."""
        if self.k >= logits.shape[-1]:
            return logits
        values, tokens = logits.topk(self.k)
        # a comparison with the k-th value would keep every token that ties with it
        return torch.full_like(logits, NEVER).scatter(-1, tokens, values)


@dataclass(frozen=True)
class TopP:
    """Keeps the likeliest tokens until their probability exceeds p, the one that crosses p included."""

    p: float

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits, −inf outside the nucleus, which always has the likeliest token."""
        values, tokens = logits.sort(descending=True)
        mass = values.softmax(-1).cumsum(-1)
        outside = torch.zeros_like(mass, dtype=torch.bool)
        outside[..., 1:] = mass[..., :-1] > self.p
        return torch.empty_like(logits).scatter(-1, tokens, values.masked_fill(outside, NEVER))


@dataclass(frozen=True)
class MinEos:
    """Nothing but the end of the utterance is picked once its probability, as it is drawn from, reaches p."""

    eos: int
    p: float

    def __call__(self, tokens: Tensor, probabilities: Tensor) -> Tensor:
        """Tokens [...] that were picked from probabilities [..., V], or `eos` in their place."""
        return tokens.masked_fill(probabilities[..., self.eos] >= self.p, self.eos)


def logit_filters(options: SamplingOptions) -> list[LogitFilter]:
    """The filters of the options, in the original's order: the nucleus is measured before the temperature."""
    filters: list[LogitFilter] = []
    if options.top_p is not None:
        filters.append(TopP(options.top_p))
    if options.top_k is not None:
        filters.append(TopK(options.top_k))
    if options.temperature:
        filters.append(Temperature(options.temperature))
    return filters


def draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """One token [...] from each distribution [..., V].

    From torch's own generator it is the draw of `torch.multinomial`, which would wait for the device to check its
    input: as many numbers as there are tokens. Of many distributions another generator gives one number each.
    """
    if probabilities.dim() > 1 and generator is not shared_generator(probabilities.device):
        return _inverted(probabilities, generator)
    noise = torch.empty_like(probabilities).exponential_(generator=generator)
    return (probabilities / noise).argmax(-1)


def _inverted(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draws by the inverse of what the probabilities add up to (Devroye 1986, III.2).

    A number below 1 times the sum is below the sum when it is rounded, too, so what has no probability isn't drawn.
    """
    sums = probabilities.cumsum(-1)
    numbers = torch.empty_like(sums[..., :1]).uniform_(generator=generator)
    return torch.searchsorted(sums, numbers * sums[..., -1:], right=True)[..., 0]


def stage_generator(seed: int, stage: str, device: torch.device | str = "cpu") -> torch.Generator:
    """The source of one stage's draws in one request.

    Args:
        seed: of the request.
        stage: any label; generators of different labels are unrelated, so that one stage's draws never shift
            another's.
        device: the model's. The same seed draws differently on a CPU and on a GPU.
    """
    digest = hashlib.sha256(f"{seed}/{stage}".encode()).digest()  # `hash` differs from process to process
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little"))


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


class Sampler:
    """Picks the tokens of one sequence.

    Args:
        options: how to pick.
        generator: where the draws come from; None for unpredictable ones.
        device: of the logits.
        end: of the utterance, where it may have to come.
        turns: heads that take turns at writing; a token repeats only what the same one has written.
        nats: takes −ln of each token's probability at temperature 1, where tokens are picked one after another.
    """

    def __init__(
        self,
        options: SamplingOptions,
        generator: torch.Generator | None,
        device: torch.device,
        end: MinEos | None = None,
        turns: int = 1,
        nats: list[float] | None = None,
    ) -> None:
        self.options = options
        self.nats = nats
        self.generator = generator or _fresh_generator(device)
        self.filters = logit_filters(options)
        self.end = end
        self.recent = torch.full((turns, options.repetition_window), -1, device=device)

    def __call__(self, logits: Tensor, turn: int = 0) -> Tensor:
        """Tokens [...] for logits [..., V]; looking at repetition, for one position [V] at a time."""
        logits = logits.float()
        token = self.pick(logits, lambda probabilities: draw(probabilities, self.generator))
        token = self._vary(token, logits, turn) if self.options.repetition_window else token
        self.tell(token, logits)
        return token

    def pick(
        self, logits: Tensor, drawn: Callable[[Tensor], Tensor], softmax: Callable[[Tensor], Tensor] = _softmax
    ) -> Tensor:
        """Tokens [...] for logits [..., V], however they are drawn from probabilities [..., V]."""
        filtered = self.filtered(logits)
        greedy = self.options.greedy
        probabilities = filtered if greedy and not self.end else softmax(filtered)
        token = filtered.argmax(-1) if greedy else drawn(probabilities)
        return self.end(token, probabilities) if self.end else token

    def tell(self, token: Tensor, logits: Tensor) -> None:
        """Adds to the nats, where somebody wants them, what a token [] of logits [V] is worth."""
        if self.nats is not None:
            self.nats.append(-float(logits.log_softmax(-1)[token]))

    def filtered(self, logits: Tensor) -> Tensor:
        """Logits [..., V], −inf where a token can't be picked."""
        for logit_filter in self.filters:
            logits = logit_filter(logits)
        return logits

    def is_like(self, other: Sampler) -> bool:
        """Whether it picks alike, so that the two may do so in one go; only what they draw is their own."""
        return (
            self.options.greedy == other.options.greedy
            and not self.options.repetition_window
            and not other.options.repetition_window
            and (self.filters, self.end) == (other.filters, other.end)
        )

    def _vary(self, token: Tensor, logits: Tensor, turn: int) -> Tensor:
        """Draws again, from the whole distribution, a token that fills too much of what came last."""
        if logits.dim() != 1:
            raise OptionError("repetition_window works only where tokens come one after another; set it to 0 here")
        recent = self.recent[turn]
        share = (recent == token).float().mean()
        whole = Temperature(self.options.temperature or 1.0)(logits).softmax(-1)
        token = torch.where(share > self.options.repetition_ratio, draw(whole, self.generator), token)
        self.recent[turn] = torch.cat([recent[1:], token[None]])
        return token


def pick_each(samplers: Sequence[Sampler], logits: Tensor, turn: int = 0) -> Sequence[Tensor]:
    """The tokens [] that samplers pick by their rows of logits [B, V], as each would alone."""
    first = samplers[0]
    if len(samplers) == 1 or not all(first.is_like(each) for each in samplers):
        return [each(row, turn) for each, row in zip(samplers, logits, strict=True)]
    logits = logits.float()

    def drawn(probabilities: Tensor) -> Tensor:
        noise = torch.empty_like(probabilities)
        for row, each in zip(noise, samplers, strict=True):
            row.exponential_(generator=each.generator)
        return (probabilities / noise).argmax(-1)

    tokens = first.pick(logits, drawn, _softmax_by_row)
    for each, row, token in zip(samplers, logits, tokens, strict=True):
        each.tell(token, row)
    return tokens.unbind()


def _softmax_by_row(logits: Tensor) -> Tensor:
    """Of a few rows [B, V], one by one: of all of them torch would wake a thread for each, which takes longer."""
    return torch.stack([row.softmax(-1) for row in logits])


def _fresh_generator(device: torch.device) -> torch.Generator:
    generator = torch.Generator(device)
    generator.seed()
    return generator
