"""Voices by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.errors import VoiceError
from bark.tokens import TokenSpace
from bark.voices import Voice, VoiceLibrary


@pytest.fixture
def library(checkpoint: Path, space: TokenSpace) -> VoiceLibrary:
    return VoiceLibrary(checkpoint / "voices", space)


def test_names(library: VoiceLibrary) -> None:
    assert library.names() == ["v2/de_speaker_0", "v2/en_speaker_0", "v2/en_speaker_1"]


def test_a_voice_is_read_once(library: VoiceLibrary) -> None:
    voice = library.load("v2/en_speaker_0")
    assert voice.name == "v2/en_speaker_0"
    assert library.load("v2/en_speaker_0") is voice


def test_a_path_and_a_voice_will_do(library: VoiceLibrary, voice: Voice, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    voice.save(path)
    assert library.load(path).name == library.load(str(path)).name == "mine"
    assert library.load(voice) is voice


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("en_speaker_0", "did you mean v2/en_speaker_0"),
        ("v2/en_speeker_1", "did you mean v2/en_speaker_1"),
        ("zzz", "`bark voices list` shows them all"),
        ("../voices/v2/en_speaker_0", "there is no voice"),
        ("", "there is no voice ''"),
    ],
)
def test_an_unknown_voice(library: VoiceLibrary, name: str, hint: str) -> None:
    with pytest.raises(VoiceError, match=hint):
        library.load(name)


def test_a_model_without_voices(tmp_path: Path, space: TokenSpace) -> None:
    library = VoiceLibrary(tmp_path / "none", space)
    assert library.names() == []
    with pytest.raises(VoiceError, match="no voices of its own; name an npz file"):
        library.load("v2/en_speaker_0")
