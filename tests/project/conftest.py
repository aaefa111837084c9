"""A short text that is several lines to the tiny model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bark.lines import Line
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.project import Project

TEXT = "Hello there. The boat left. It is dawn. I like pizza."
Make = Callable[[Path], Project]


@pytest.fixture(scope="session")
def lines(bark: Bark) -> list[Line]:
    """Of the text; without a voice."""
    return bark.plan(TEXT, options=GenerateOptions(seed=7, retries=0))


@pytest.fixture(scope="session")
def spoken(bark: Bark, lines: list[Line], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project all of whose lines have been spoken; to be copied, for every test changes its own."""
    folder = tmp_path_factory.mktemp("spoken") / "book"
    with Project(bark.parts, folder) as project:
        project.begin(lines, 7)
        list(project.speak())
    return folder


@pytest.fixture
def made(spoken: Path, tmp_path: Path) -> Path:
    """The folder of a project all of whose lines have been spoken."""
    return shutil.copytree(spoken, tmp_path / "book")
