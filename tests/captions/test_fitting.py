"""Captions that can be read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.captions import Cue, Fitting, Word, fitted
from bark.captions.fitting import LINGER, shared_words
from bark.errors import OptionError

SPEECH = (
    "The boat left the harbour at dawn, and nobody saw it again. Some say that it sank in the storm of that night; "
    "others say that its crew, tired of fish, went ashore in the south and opened a bakery."
)


def spoken(text: str, start: float = 0.0, pace: float = 0.08, speaker: str | None = None) -> Cue:
    end = start + pace * len(text)
    return Cue(text, start, end, speaker, shared_words(text, start, end), exact=True)


def check(captions: list[Cue], fitting: Fitting) -> None:
    for cue in captions:
        assert len(cue.text.split("\n")) <= fitting.lines
        assert all(len(line) <= fitting.width for line in cue.text.split("\n"))
        assert cue.start <= cue.end
    for cue, after in pairwise(captions):
        assert cue.end <= after.start + 1e-9


def test_a_long_speech_is_cut_between_words() -> None:
    captions = list(fitted([spoken(SPEECH, speaker="Ann")]))
    check(captions, Fitting())
    assert " ".join(cue.text.replace("\n", " ") for cue in captions) == SPEECH
    assert all(cue.duration <= 7.0 and cue.speaker == "Ann" and cue.exact for cue in captions)
    assert [word for cue in captions for word in cue.words] == list(spoken(SPEECH).words)
    for cue in captions:
        assert cue.start == cue.words[0].start


def test_sentences_end_captions() -> None:
    captions = list(fitted([spoken(SPEECH)]))
    assert captions[0].text == "The boat left the harbour at dawn,\nand nobody saw it again."


def test_what_fits_stays_as_it_is() -> None:
    cue = Cue("- Yes.\n- No.", 1.0, 2.0, "Ann")
    (caption,) = fitted([cue])
    assert (caption.text, caption.start, caption.end) == ("- Yes.\n- No.", 1.0, 2.0 + LINGER)


def test_a_caption_stays_a_little_but_not_into_the_next() -> None:
    first, second, third = fitted([Cue("a", 0, 1), Cue("b", 1.1, 1.2), Cue("c", 5, 8)])
    assert (first.end, second.end, third.end) == (1.1, 2.1, 8 + LINGER)


def test_no_longer_than_asked() -> None:
    (caption,) = fitted([Cue("a", 0.0, 6.9)])
    assert caption.end == 7.0
    words = (Word("one", 0.0, 1.0), Word("two", 9.0, 9.5))
    assert [cue.text for cue in fitted([Cue("one two", 0.0, 9.5, words=words)])] == ["one", "two"]


def test_without_words_times_are_shared() -> None:
    captions = list(fitted([Cue(SPEECH, 10.0, 25.0)]))
    check(captions, Fitting())
    assert captions[0].start == 10.0 and captions[-1].end == 25.0 + LINGER
    assert all(cue.words == () for cue in captions)


def test_scripts_without_spaces_get_none() -> None:
    text = "今日はとても良い天気ですね。" * 8
    captions = list(fitted([spoken(text, pace=0.15)], Fitting(width=16)))
    check(captions, Fitting(width=16))
    assert "".join(cue.text.replace("\n", "") for cue in captions) == text


def test_a_word_longer_than_a_line_is_cut() -> None:
    word = "x" * 100
    captions = list(fitted([spoken(f"See {word}.")]))
    check(captions, Fitting())
    assert "".join(cue.text.replace("\n", "").replace(" ", "") for cue in captions) == f"See{word}."


@given(
    st.lists(st.text("abcdefgh.,;", min_size=1, max_size=20), min_size=1, max_size=60).map(" ".join),
    st.sampled_from([Fitting(), Fitting(20, 1, 2.0), Fitting(12, 3, 4.0)]),
)
def test_any_speech_fits(text: str, fitting: Fitting) -> None:
    cue = spoken(text)
    captions = list(fitted([cue], fitting))
    check(captions, fitting)
    joined = "".join("".join(each.text.split()) for each in captions)
    assert joined == "".join(text.split())


@pytest.mark.parametrize("fitting", [{"width": 7}, {"lines": 0}, {"seconds": 0.5}])
def test_impossible(fitting: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="a caption needs a line or more of 8 characters"):
        Fitting(**fitting)  # type: ignore[arg-type]
