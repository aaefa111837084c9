"""Which format a file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.audio.formats import FORMATS, check_audio_path, format_of
from bark.errors import OutputError


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg", "opus", "pcm"])
def test_the_suffix_says_it(name: str, tmp_path: Path) -> None:
    for suffix in FORMATS[name].suffixes:
        assert check_audio_path(tmp_path / f"a.b{suffix.upper()}").name == name


def test_a_name_says_it_rather_than_the_suffix() -> None:
    assert format_of("a.ogg", "OPUS").name == "opus"
    assert format_of("no suffix").name == "wav"


def test_what_is_not_known_is_told_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no audio format is called \.wma; name it one of \.wav, \.flac, \.mp3"):
        check_audio_path(tmp_path / "a.wma")
    with pytest.raises(OutputError, match="there is no audio format 'wma'; there are wav, flac"):
        check_audio_path(tmp_path / "a.wav", "wma")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        check_audio_path(tmp_path / "no" / "a.mp3")


def test_the_next_rate_above_is_taken() -> None:
    assert FORMATS["opus"].rate_for(22_050) == 24_000
    assert FORMATS["mp3"].rate_for(96_000) == 48_000
    assert FORMATS["wav"].rate_for(12_345) == 12_345
    assert FORMATS["ogg"].rate_for(4000) == 8000
