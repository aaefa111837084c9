"""Systems and judges of a few lines, for everything but the real judges."""

from __future__ import annotations

import pytest

from bark.evaluation.judging import Panel
from bark.evaluation.synthesis import Line
from tests.evaluation.fakes import FakeMos, FakeSpeaker, FakeSystem, FakeTranscriber


@pytest.fixture
def system() -> FakeSystem:
    """Speaks in tones."""
    return FakeSystem()


@pytest.fixture
def panel() -> Panel:
    """Judges of tones."""
    return Panel(FakeTranscriber(), FakeSpeaker(), FakeMos())


@pytest.fixture
def lines() -> list[Line]:
    """Two texts in two voices, and what the voices were made from."""
    return [Line("one two", "low", 7), Line("one two three", "high", 8), Line(None, "low"), Line(None, "high")]
