"""A short text that is several lines to the tiny model."""

from __future__ import annotations

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


@pytest.fixture
def made(bark: Bark, lines: list[Line], tmp_path: Path) -> Path:
    """The folder of a project all of whose lines have been spoken."""
    with Project(bark.parts, tmp_path / "book") as project:
        project.begin(lines, 7)
        list(project.speak())
    return tmp_path / "book"
