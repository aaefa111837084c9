"""Options are checked when they are made."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from bark.errors import BarkError, OptionError
from bark.options import MAX_SEED, GenerateOptions, SamplingOptions


def test_defaults_are_the_originals() -> None:
    options = GenerateOptions()
    assert (options.semantic.temperature, options.coarse.temperature, options.fine.temperature) == (0.7, 0.7, 0.5)
    assert options.min_eos_p == 0.2
    assert options.semantic.top_k is options.semantic.top_p is options.max_duration is options.seed is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", "0.7"),
        ("temperature", True),
        ("top_k", 0),
        ("top_k", 2.5),
        ("top_p", 0),
        ("top_p", 1.01),
        ("repetition_window", -1),
        ("repetition_ratio", 1.5),
    ],
)
def test_sampling_options_refuse_nonsense(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} must be a") as caught:
        SamplingOptions(**{name: value})  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("seed", 1.0),
        ("min_eos_p", 0.0),
        ("min_eos_p", 2),
        ("max_duration", 0),
        ("max_duration", math.inf),
        ("semantic", 0.7),
    ],
)
def test_generate_options_refuse_nonsense(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        GenerateOptions(**{name: value})  # type: ignore[arg-type]


def test_numpy_numbers_are_numbers() -> None:
    assert SamplingOptions(temperature=np.float32(0.5), top_k=np.int64(3)).top_k == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [None, 0, 0.0])
def test_no_temperature_is_greedy(temperature: float | None) -> None:
    assert SamplingOptions(temperature=temperature).greedy
    assert not SamplingOptions(temperature=0.1).greedy


def test_temperature_is_of_the_semantic_and_coarse_stages() -> None:
    options = GenerateOptions(semantic=SamplingOptions(top_k=9)).with_changes(temperature=0.3, seed=4)
    assert (options.semantic.temperature, options.coarse.temperature, options.fine.temperature) == (0.3, 0.3, 0.5)
    assert options.semantic.top_k == 9
    assert options.seed == 4


def test_what_is_not_given_stays() -> None:
    options = GenerateOptions(seed=3, max_duration=2.0)
    assert options.with_changes(seed=None, max_duration=None) == options


def test_options_are_frozen_and_errors_are_bark_errors() -> None:
    with pytest.raises(FrozenInstanceError):
        GenerateOptions().seed = 1  # type: ignore[misc]
    assert issubclass(OptionError, BarkError)
