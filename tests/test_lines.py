"""A text in lines: none too long for the model, nothing lost, the first ones short."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.checkpoints.native import NativeCheckpoint
from bark.errors import OptionError, TextError, VoiceError
from bark.lines import FIRST, Line, Room, language_of, line_seed, spoken
from bark.models.config import SUNO_LARGE, ModelConfig, TextConfig
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.text.duration import expected_duration
from bark.text.split import PARAGRAPH_PAUSE, SENTENCE_PAUSE, Segment

STORY = "The boat left the harbour at dawn, and nobody saw it go. We said nothing of it. " * 5


@pytest.fixture(scope="module")
def room(bundled: Path) -> Room:
    """Of the model that is in the package, with figures as they are, which are easier to find again."""
    checkpoint = NativeCheckpoint(bundled)
    return replace(Room.of(checkpoint.config, checkpoint.text_tokenizer().encode), text=TextConfig())


@pytest.fixture(scope="module")
def lines(room: Room) -> Callable[..., list[Segment]]:
    def lines(text: str, language: str | None = None) -> list[Segment]:
        return list(spoken(text, room, language))

    return lines


Lines = Callable[..., list[Segment]]


def words(text: str) -> str:
    """What of a text can be said, in a row."""
    return re.sub(r"[\W_]", "", re.sub("[\u00ad\u200b\u200e\u200f\u2060\ufeff\x00-\x1f\x7f-\x9f]", "", text))


def test_room_is_less_than_the_model_has(config: ModelConfig) -> None:
    room = Room.of(config, list)
    assert room.tokens == 48
    assert room.seconds == pytest.approx(0.7 * 2.0)


def test_a_paragraph_that_fits_is_one_line(lines: Lines) -> None:
    assert lines(" One thing.  Another\nthing. ") == [Segment("One thing. Another thing.", 0.0)]


def test_a_long_text_is_not(lines: Lines, room: Room) -> None:
    made = lines(STORY)
    assert " ".join(each.text for each in made) == STORY.strip()
    assert all(room.fits(each.text) for each in made)
    assert [each.pause for each in made[:-1]] == [SENTENCE_PAUSE] * (len(made) - 1)
    assert made[-1].pause == 0


def test_the_first_lines_are_made_while_others_are_heard(lines: Lines) -> None:
    heard = 0.0
    for each in lines("Yes. " * 80):
        assert expected_duration(each.text) <= max(FIRST, heard)
        heard += expected_duration(each.text)
    assert heard > 15


def test_paragraphs_and_what_can_not_be_said(lines: Lines) -> None:
    made = lines("—\n\nOne.\n\n* * *\n\nTwo.\n\n***")
    assert made == [Segment("One.", 2 * PARAGRAPH_PAUSE), Segment("Two.", 0.0)]


def test_what_nobody_sees_is_not_read(lines: Lines) -> None:
    assert lines("\ufeffwon\u00adder\u200bful") == [Segment("wonderful", 0.0)]


@pytest.mark.parametrize("kept", ["[clears throat]", "♪ la la la ♪", "1,234,567.89"])
def test_some_things_stay_whole(kept: str, lines: Lines) -> None:
    for before in range(1, 60, 7):
        made = lines("so " * before + kept + " and so on" * 20)
        assert any(kept in each.text for each in made)


@pytest.mark.parametrize("text", ["", "  \n", "…", "😀 😀", "* * *", "\ud800"])
def test_nothing_to_say(text: str, lines: Lines) -> None:
    with pytest.raises(TextError):
        lines(text)


PARTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "Hello there. ",
            "\n\n",
            "[laughs] ",
            "♪ la la ♪",
            "今天天气很好。",
            "नमस्ते ",
            "5" * 70,
            "x" * 400,
            "\U0001f468\u200d",
        ]
    ),
)


@settings(max_examples=150, deadline=2000)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_any_text(lines: Lines, room: Room, text: str) -> None:
    try:
        made = lines(text)
    except TextError:
        return
    assert words("".join(each.text for each in made)) == words(text)
    for each in made:
        smallest = re.fullmatch(r".[\u0300-\u036f\u200d\ufe0f\w]*", each.text)
        assert smallest or room.fits(each.text)
        assert each.text == " ".join(each.text.split())
        assert each.pause >= 0


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "word " * 10_000,
        "a, " * 16_000,
        "5" * 5000,
        "今天天气很好我们去公园吧" * 4000,
        "a\u200b" * 10_000,
        "😀" * 5000 + " a",
        "[" * 25_000 + "a",
        "♪ la " * 10_000,
        "e\u0301" * 15_000,
        "Hi.\n\n" * 10_000,
    ],
    ids=lambda text: text[:3].encode("unicode_escape").decode(),
)
def test_huge_texts_take_no_time_to_speak_of(text: str, lines: Lines) -> None:
    started = time.process_time()
    assert lines(text)
    assert time.process_time() - started < 10  # some 1; what grows with the square of the length takes minutes


def test_seeds_follow_from_the_first() -> None:
    seeds = [line_seed(7, index) for index in range(100)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert seeds[1] != line_seed(8, 1)
    assert line_seed(7, 1) == 2905889783


def test_the_language_of_a_voice() -> None:
    assert language_of("v2/de_speaker_3") == "de"
    assert language_of("de_speaker_3") == "de"
    assert language_of("mine.npz") is language_of(None) is None


def test_a_plan(bark: Bark) -> None:
    options = GenerateOptions(retries=0, seed=5)
    first, *others = bark.plan("Hello there. The boat left. It is dawn.", "v2/en_speaker_0", options)
    assert (first.text, first.seed, first.options) == ("Hello there.", 5, options)
    assert first.voice is others[0].voice
    assert [line.seed for line in others] == [line_seed(5, index) for index in range(1, len(others) + 1)]
    with pytest.raises(VoiceError):
        bark.plan("Hello", "v2/en_speaker_77")


def test_a_language_is_one_however_it_is_written(bark: Bark) -> None:
    options = GenerateOptions(seed=5)
    plain = bark.plan("Hello there. The boat left.", "v2/en_speaker_0", options, "en")
    for written in ("EN", "en-GB", "En_us"):
        assert bark.plan("Hello there. The boat left.", "v2/en_speaker_0", options, written) == plain
    for wrong in ("", "english language", ".*", "e", 3):
        with pytest.raises(OptionError, match="a language is a two-letter code such as en, not "):
            bark.plan("Hello", None, options, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("pause", [-0.1, float("nan"), 1e9, "1"])
def test_no_such_pause(pause: float) -> None:
    with pytest.raises(OptionError, match="pause must be from 0 to 3600 seconds"):
        Line("Hello", pause)


def test_figures_become_words_where_the_model_asks_for_it(room: Room) -> None:
    text = "It is 3:30 pm on 3 May 2024! Das sind 2 Wörter."
    assert [segment.text for segment in spoken(text, room)] == [text]
    said = "It is three thirty p m on the third of May, twenty twenty-four! Das sind zwei Wörter."
    assert [segment.text for segment in spoken(text, replace(room, text=TextConfig(verbalize=True)))] == [said]


def test_what_fits_is_what_is_said(room: Room) -> None:
    text = "1,234,567 and 7,654,321. " * 4
    assert len(list(spoken(text, replace(room, text=TextConfig(verbalize=True))))) > len(list(spoken(text, room)))


def test_sunos_models_read_text_as_it_is() -> None:
    assert Room.of(SUNO_LARGE, list).text == TextConfig()
    text = "Call 555-0123 on May 3."
    assert [segment.text for segment in spoken(text, Room.of(SUNO_LARGE, list))] == [text]


def test_one_utterance_is_read_in_the_same_way(bark: Bark, own_checkpoint: Path) -> None:
    text = "It is 3:30 pm."
    assert bark.request(text).text == text
    path = own_checkpoint / "config.json"
    path.write_text(path.read_text().replace('"verbalize": false', '"verbalize": true'))
    assert Bark(own_checkpoint, device="cpu").request(text).text == "It is three thirty p m."
