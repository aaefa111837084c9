"""How fast audio is made, and how many cores there are to make it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.server.cores import resident_memory, usable_cores
from bark.server.pace import FIRST_GUESS, Pace


def test_the_pace_is_that_of_the_work_alone() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert (pace.rate, pace.time_for(10)) == (0, 10 / FIRST_GUESS)
    for _ in range(20):
        pace.work(True)
        now[0] += 1
        pace.made(3)
        pace.work(False)
        now[0] += 100  # nothing to do
    assert pace.total == 60
    assert pace.rate == pytest.approx(3, rel=0.05)
    assert pace.time_for(9) == pytest.approx(3, rel=0.05)


def test_the_pace_forgets() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.work(True)
    for made in [8.0] * 100 + [2.0] * 100:
        now[0] += 1
        pace.made(made)
    assert 2 < pace.rate < 2.5


def test_a_container_s_quota_counts(tmp_path: Path) -> None:
    whole = usable_cores(tmp_path / "nothing")
    quota = tmp_path / "cpu.max"
    for said, cores in [("max 100000", whole), ("50000 100000", 1), ("99900000 100000", whole), ("nonsense", whole)]:
        quota.write_text(said)
        assert usable_cores(quota) == cores


def test_memory_of_nobody() -> None:
    assert resident_memory(2**30) == 0
