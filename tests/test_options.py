"""Options are checked when they are made."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import FrozenInstanceError, asdict, replace

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
    sampling = SamplingOptions(temperature=np.float32(0.5), top_k=np.int64(3))  # type: ignore[arg-type]
    options = GenerateOptions(seed=np.int64(MAX_SEED), max_duration=np.float32(2), semantic=sampling)  # type: ignore[arg-type]
    assert json.loads(json.dumps(asdict(options)))["seed"] == options.seed == MAX_SEED
    assert type(options.seed) is int
    assert sampling == SamplingOptions(0.5, 3)


def test_what_is_not_given_is_the_models_own() -> None:
    own = GenerateOptions(
        semantic=SamplingOptions(0.2, top_k=50), fine=SamplingOptions(0), min_eos_p=0.3, retries=5, best_of=4
    )
    assert GenerateOptions().suited(own) == replace(own, coarse=SamplingOptions())
    asked = GenerateOptions(seed=1, semantic=SamplingOptions(top_p=0.9), coarse=SamplingOptions(0.7), retries=2)
    suited = asked.suited(own)
    assert suited.semantic == SamplingOptions(0.2, top_k=50, top_p=0.9)
    assert suited.coarse == SamplingOptions(0.7)
    assert (suited.seed, suited.retries, suited.best_of, suited.min_eos_p) == (1, 2, 4, 0.3)
    assert pickle.loads(pickle.dumps(asked)).suited(own) == suited
    assert GenerateOptions(min_eos_p=0.2, best_of=1).suited(own).best_of == 1
    assert suited.suited(GenerateOptions(best_of=8)) == suited


def test_the_fine_stage_cannot_look_at_repetition() -> None:
    with pytest.raises(OptionError, match="repetition_window"):
        GenerateOptions(fine=SamplingOptions(repetition_window=5))


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
