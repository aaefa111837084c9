"""Long texts in pieces that fit, cut where a reader would."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.text.duration import expected_duration
from bark.text.split import Fits, Segment, split


def short(limit: int) -> Fits:
    return lambda text: len(text) <= limit


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def test_sentences_are_packed_and_not_cut() -> None:
    text = "Dr. Smith came on Jan. 5. He paid $3.50. Then he left. Nobody said a word."
    assert texts(split(text, short(45))) == [
        "Dr. Smith came on Jan. 5. He paid $3.50.",
        "Then he left. Nobody said a word.",
    ]


def test_what_is_left_is_shared() -> None:
    said = texts(split("One two three. Four five six. Seven eight nine. Ten.", short(48)))
    assert said == ["One two three. Four five six.", "Seven eight nine. Ten."]


def test_paragraphs_stay_apart() -> None:
    segments = split("First.\nStill first.\n\n  \nSecond.", short(100))
    assert texts(segments) == ["First. Still first.", "Second."]
    assert segments[0].pause > 0.5


def test_pauses() -> None:
    segments = split("A sentence, with a clause; and more. \u201cQuoted.\u201d End of it all now", short(22))
    pauses = {segment.text: segment.pause for segment in segments}
    assert pauses["A sentence,"] == pauses["with a clause;"] == 0.1
    assert pauses["and more. \u201cQuoted.\u201d"] == 0.25


def test_long_sentences_are_cut_between_clauses_and_then_words() -> None:
    text = "When it rained in the evening, which it often did, we played cards and told each other about 3,000 boats"
    said = texts(split(text, short(40)))
    assert said == [
        "When it rained in the evening,",
        "which it often did, we played cards",
        "and told each other about 3,000 boats",
    ]


@pytest.mark.parametrize("kept", ["[clears throat]", "3,000,000.50", "\u266a La, la. La la! \u266a"])
def test_what_is_never_cut(kept: str) -> None:
    text = f"and then some words {kept} and then again some"
    for limit in range(len(kept), 40):
        assert any(kept in each for each in texts(split(text, short(limit))))


@pytest.mark.parametrize(
    ("language", "text", "first"),
    [
        ("zh", "今天天气很好。我们去公园吧?好的!", "今天天气很好。"),
        ("ja", "彼は来た。そして、すぐに帰った。", "彼は来た。"),
        ("hi", "यह अच्छा है। वह घर गया।", "यह अच्छा है।"),
        ("de", "Er kam am 5. Mai. Dann ging er.", "Er kam am 5. Mai."),
    ],
)
def test_other_languages(language: str, text: str, first: str) -> None:
    assert texts(split(text, short(len(first) + 2), language))[0] == first


def test_without_spaces() -> None:
    said = texts(split("今天天气很好,我们去公园吧因为那里有很多花和树", short(8), "zh"))
    assert all(len(each) <= 8 for each in said)
    assert "".join(said).replace(" ", "") == "今天天气很好,我们去公园吧因为那里有很多花和树"
    assert not any(each.startswith(",") for each in said)


def test_marks_stay_with_their_letters() -> None:
    said = texts(split("e\u0301" * 30, short(7)))
    assert all(len(each) % 2 == 0 for each in said)
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert set(texts(split(family * 9, short(5)))) == {family}


@given(st.text(max_size=300), st.integers(1, 40))
def test_nothing_is_lost(text: str, limit: int) -> None:
    segments = split(text, short(limit))
    assert re.sub(r"\s", "", "".join(texts(segments))) == re.sub(r"\s", "", text)
    assert all(segment.text == segment.text.strip() and segment.text for segment in segments)
    longest = max((len(part) for part in re.findall(r".[\u0300-\u036f\u200d\ufe0f]*", text)), default=0)
    if longest <= 1 and not re.search(r"[\u200d\ufe0f]", text) and text.isascii():
        assert all(len(segment.text) <= limit for segment in segments)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "Hello there. " * 8000, "\u266a" * 5001, "[" * 20_000, "5" * 5000, "\n" * 9999]
)
def test_huge_texts_take_no_time_to_speak_of(text: str) -> None:
    assert sum(len(each) for each in texts(split(text, short(200)))) <= len(text)


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "seconds"),  # Kokoro's own
        [
            ("The boat left the harbour at dawn.", 2.1),
            ("今天天气很好我们去公园吧", 2.6),
            ("Он купил хлеб и молоко.", 1.8),
        ],
    )
    def test_is_about_right(self, text: str, seconds: float) -> None:
        assert expected_duration(text) == pytest.approx(seconds, rel=0.3)

    def test_tags_and_figures_take_time(self) -> None:
        assert expected_duration("[laughs] Yes.") > expected_duration("Yes.") + 0.5
        assert expected_duration("[WOMAN] Yes.") == expected_duration("Yes.")
        assert expected_duration("1984") > expected_duration("abcd")

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_more_takes_longer(self, one: str, other: str) -> None:
        assert 0 < expected_duration(one) <= expected_duration(one + " " + other) + 1e-9
