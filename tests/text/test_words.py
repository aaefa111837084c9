"""Where words are, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.text.words import word_spans


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello, my name is Suno.", ["Hello,", "my", "name", "is", "Suno."]),
        ("It's a well-known 3.5 %.", ["It's", "a", "well-known", "3.5 %."]),
        ("Wait — what?!", ["Wait —", "what?!"]),
        ("And then [clears throat] nothing…", ["And", "then", "[clears throat]", "nothing…"]),
        ("Ha[laughs]ha", ["Ha", "[laughs]", "ha"]),
        ("♪ La la la ♪", ["♪ La", "la", "la ♪"]),
        ("“Yes,” he said (twice).", ["“Yes,”", "he", "said", "(twice)."]),
        ("¿Qué? ¡No!", ["¿Qué?", "¡No!"]),
        ("- No. - Yes.", ["- No. -", "Yes."]),
        ("你好，世界！", ["你", "好，", "世", "界！"]),
        ("「すごい」と言った。", ["「す", "ご", "い」", "と", "言", "っ", "た。"]),
        ("Er sagte 你好 laut", ["Er", "sagte", "你", "好", "laut"]),
        ("सुनो यह क्या है", ["सुनो", "यह", "क्या", "है"]),
        ("안녕하세요 세계", ["안녕하세요", "세계"]),
        ("... !!!", []),
        ("Look: ( nothing", ["Look:", "( nothing"]),
        ("open (", ["open ("]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(max_size=60))
def test_words_lie_in_order_and_hold_every_letter(text: str) -> None:
    spans = word_spans(text)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(start < end for start, end in spans)
    inside = {place for start, end in spans for place in range(start, end)}
    assert all(place in inside for place, sign in enumerate(text) if sign.isalnum())
