"""`bark voices list`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[..., Any]


def test_names_are_listed_one_a_line(call: Call) -> None:
    outcome = call("voices", "list")
    assert outcome == (0, b"v2/de_speaker_0\nv2/en_speaker_0\nv2/en_speaker_1\n", "")


def test_names_of_a_language(call: Call) -> None:
    assert call("voices", "list", "--language", "de").out == b"v2/de_speaker_0\n"
    assert call("voices", "list", "--language", "d").out == b""


def test_an_unknown_model(call: Call, tmp_path: Path) -> None:
    outcome = call("voices", "list", "--model", str(tmp_path))
    assert outcome.status == 1
    assert f"no config.json in {tmp_path}" in outcome.err
