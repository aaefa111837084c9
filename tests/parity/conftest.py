"""The files that all implementations speak from, and what ours says, once for all comparisons."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from bark import generation
from tests.parity.cases import CASES, Arrays, speak, write_models

Say = Callable[[str], Arrays]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Suno's, Meta's and BERT's files; not to be written to."""
    made = tmp_path_factory.mktemp("parity")
    write_models(made)
    return made


@pytest.fixture(scope="session")
def say(folder: Path) -> Iterator[Say]:
    """What we say in a case."""

    def once(name: str) -> Arrays:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the long text is longer than what is read
            return speak(CASES[name], generation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARK_MODEL", str(folder))
        patch.setenv("BARK_DEVICE", "cpu")
        generation.clean_models()
        yield cache(once)
        generation.clean_models()
