"""A work folder as the recipe's steps leave it, of made-up tones."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bark.training.run import train
from tests.training.tones import SETTINGS, make_corpus, make_tokens, toml


@pytest.fixture
def settings() -> dict[str, Any]:
    """Tables of a training file, to be changed at will."""
    return deepcopy(SETTINGS)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpus, tokens, the config as `tiny.toml`, and a run of the fine model; not to be written to."""
    folder = tmp_path_factory.mktemp("work")
    make_corpus(folder / "corpus" / "tones")
    make_tokens(folder)
    (folder / "tiny.toml").write_text("\n".join(toml(SETTINGS)), encoding="utf-8")
    train("fine", SETTINGS, folder, folder / "runs")
    return folder
