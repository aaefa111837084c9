"""Any text is either made fit to speak, or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.errors import TextError
from bark.text.normalize import normalize


@given(st.text())
def test_white_space_is_single_and_controls_are_gone(text: str) -> None:
    try:
        said = normalize(text)
    except TextError:
        assert not any(character.isprintable() and not character.isspace() for character in text)
        return
    assert said == " ".join(said.split())
    assert said == normalize(said)
    assert [c for c in said if c.isprintable() and c != " "] == [c for c in text if c.isprintable() and c != " "]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  Hello,\n\tworld \u00a0!  ", "Hello, world !"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("next\x85line", "next line"),
        ("नमस्ते 👩‍👩‍👧 ♪ la ♪", "नमस्ते 👩‍👩‍👧 ♪ la ♪"),
        ("\ufeffmark", "\ufeffmark"),
    ],
)
def test_examples(text: str, said: str) -> None:
    assert normalize(text) == said


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000", "\x00\x07"])
def test_nothing_to_speak(text: str) -> None:
    with pytest.raises(TextError, match="no text to speak"):
        normalize(text)


def test_half_a_character_is_found() -> None:
    with pytest.raises(TextError, match=r"character 3 of the text is half a character \(U\+D83D\)"):
        normalize("ab\ud83d")


def test_bytes_are_not_text() -> None:
    with pytest.raises(TextError, match="must be a str, not bytes"):
        normalize(b"Hello")  # type: ignore[arg-type]
