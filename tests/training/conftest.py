"""A corpus of a few seconds, and settings to train on it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bark.models.config import ModelConfig
from tests.training.tones import EXPORTED, MODEL, SETTINGS, make_corpus, make_tokens, write_shard


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the set `tones` as audio and as tokens of untrained models; not to be written to."""
    folder = tmp_path_factory.mktemp("training")
    make_corpus(folder / "corpus" / "tones")
    make_tokens(folder)
    return folder


@pytest.fixture
def settings() -> dict[str, Any]:
    """Tables of a training file, to be changed at will."""
    return deepcopy(SETTINGS)


@pytest.fixture(scope="session")
def model_config() -> ModelConfig:
    """Of the models that are trained."""
    return ModelConfig.from_dict(MODEL)


@pytest.fixture(scope="session")
def exported() -> dict[str, str]:
    """The file of weights that each kind of run writes."""
    return EXPORTED


@pytest.fixture(scope="session")
def shard_writer() -> Callable[..., None]:
    return write_shard
