"""Twenty thousand draws of every filter, and of filters together, follow the original's distribution.

What is expected is computed here anew, in NumPy and in double precision, the way the original goes: the nucleus, then
the top k, then the temperature, then the end of the utterance; and, filter by filter, by 🤗's processors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from bark.engine.sampling import MinEos, Sampler
from bark.options import SamplingOptions

Floats = npt.NDArray[np.float64]
DRAWS = 25_000
SIZE = 60
EOS = SIZE - 1
LOGITS = np.random.RandomState(4).standard_normal(SIZE) * 1.5
LOGITS[EOS] = LOGITS[:EOS].max() - 0.5  # likely enough to end the utterance in some cases, and not in others

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "warm": {"temperature": 1.3},
    "Suno's own": {"temperature": 0.7},
    "cold": {"temperature": 0.3},
    "top k": {"top_k": 12},
    "top k of more than there are": {"top_k": 500},
    "top p": {"top_p": 0.8},
    "a narrow top p": {"top_p": 0.2},
    "top k, cold": {"top_k": 12, "temperature": 0.5},
    "top p, cold": {"top_p": 0.8, "temperature": 0.5},
    "top p, warm": {"top_p": 0.8, "temperature": 1.5},
    "top p, top k": {"top_p": 0.8, "top_k": 9},
    "all": {"top_p": 0.85, "top_k": 20, "temperature": 0.7},
    "it doesn't end": {"min_eos_p": 0.2},
    "it ends": {"min_eos_p": 0.05},
    "it would end, but for the cold": {"min_eos_p": 0.08, "temperature": 0.2},
    "it ends for the cold": {"min_eos_p": 0.12, "temperature": 0.5},
    "narrow, it ends": {"min_eos_p": 0.12, "top_k": 6},
    "all, it doesn't end": {"min_eos_p": 0.3, "top_p": 0.85, "top_k": 20, "temperature": 0.7},
}


def expected(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, min_eos_p: float | None = None
) -> Floats:
    """Probabilities of the tokens."""
    likelihood = np.exp(LOGITS)
    order = np.argsort(-LOGITS)
    if top_p is not None:
        mass = likelihood[order].cumsum() / likelihood.sum()
        likelihood[order[1:][mass[:-1] > top_p]] = 0
    if top_k is not None:
        likelihood[order[top_k:]] = 0
    likelihood **= 1 / temperature
    probabilities: Floats = likelihood / likelihood.sum()
    if min_eos_p is not None and probabilities[EOS] >= min_eos_p:
        return (np.arange(SIZE) == EOS).astype(float)
    return probabilities


def drawn(min_eos_p: float | None = None, seed: int = 0, **options: Any) -> npt.NDArray[np.int64]:
    """How often each token was drawn."""
    end = None if min_eos_p is None else MinEos(EOS, min_eos_p)
    sampling = SamplingOptions(**{"temperature": 1.0, **options})
    sampler = Sampler(sampling, torch.Generator().manual_seed(seed), torch.device("cpu"), end)
    tokens = sampler(torch.from_numpy(LOGITS).float().expand(DRAWS, -1))
    return np.bincount(tokens.numpy(), minlength=SIZE)


def chi_square(counts: npt.NDArray[np.int64], probabilities: Floats) -> tuple[float, float]:
    """The statistic, and what it exceeds once in 10 000 times where the counts do follow the probabilities.

    Tokens that are expected less than five times are one cell together: the approximation does not hold of them.
    The limit is that of Wilson and Hilferty (1931).
    """
    if counts[probabilities == 0].any():
        return math.inf, 0.0
    wanted = probabilities * counts.sum()
    rare = (wanted > 0) & (wanted < 5)
    wanted, counts = (np.append(row[wanted >= 5], row[rare].sum()) for row in (wanted, counts))
    cells = wanted > 0
    freedom = max(1, int(cells.sum()) - 1)
    statistic = float(((counts - wanted)[cells] ** 2 / wanted[cells]).sum())
    return statistic, freedom * (1 - 2 / (9 * freedom) + 3.719 * math.sqrt(2 / (9 * freedom))) ** 3


@pytest.mark.parametrize("name", CASES)
def test_draws_follow_the_original(name: str) -> None:
    statistic, limit = chi_square(drawn(**CASES[name]), expected(**CASES[name]))
    assert statistic < limit


def test_another_distribution_would_be_noticed() -> None:
    """The draws of each case fit no other case, or only one with the same probabilities."""
    for name, options in CASES.items():
        counts, own = drawn(**options), expected(**options)
        for other in CASES:
            statistic, limit = chi_square(counts, expected(**CASES[other]))
            assert (statistic < limit) == np.allclose(own, expected(**CASES[other])), f"{name} and {other}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, options in CASES.items() if len(options) == 1])
def test_transformers_expects_the_same(name: str) -> None:
    process = pytest.importorskip("transformers.generation.logits_process")
    kinds = {
        "temperature": process.TemperatureLogitsWarper,
        "top_k": process.TopKLogitsWarper,
        "top_p": process.TopPLogitsWarper,
        "min_eos_p": lambda p: process.BarkEosPrioritizerLogitsProcessor(EOS, p),
    }
    [(kind, value)] = CASES[name].items()
    scores: Tensor = kinds[kind](value)(None, torch.from_numpy(LOGITS)[None])
    np.testing.assert_allclose(scores.softmax(-1)[0].numpy(), expected(**CASES[name]), atol=1e-9)
