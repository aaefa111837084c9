"""Lines in another language than their voice's: read in the manner of the model's own voices of that language."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bark import Bark
from bark.casting import kind_of_named
from bark.lines import Line, language_of
from bark.manners import in_manner
from bark.narration import Narration
from bark.options import GenerateOptions
from bark.voices import Voice

SWITCHED = "She opened the window and said: Il fait beau aujourd'hui, allons nous promener. And so they went."
QUICK = GenerateOptions(seed=1, max_duration=0.6, retries=0)


@cache
def pup() -> Bark:
    return Bark("pup", "cpu")


def planned(text: str, voice: str | None = None, language: str | None = None) -> list[tuple[str, str | None]]:
    """What each line says, and the language that is not its voice's."""
    return [(line.text, line.language) for line in pup().plan(text, voice, language=language)]


def voice_of(line: Line) -> Voice | None:
    """In which a line would be spoken."""
    return Narration(pup()._speaking).request(line).voice


def test_each_line_is_in_one_language() -> None:
    assert planned(SWITCHED, "v2/en_speaker_1") == [
        ("She opened the window and said:", None),
        ("Il fait beau aujourd'hui, allons nous promener.", "fr"),
        ("And so they went.", None),
    ]


def test_pauses_are_those_of_sentences_and_paragraphs() -> None:
    lines = pup().plan("Er ist nicht da: I am sorry to hear that.\n\nUnd sie ist auch nicht da.", "v2/de_speaker_0")
    assert [line.pause for line in lines] == [0.1, 0.7, 0.0]
    assert [line.language for line in lines] == [None, "en", None]


def test_the_voice_decides_what_is_foreign() -> None:
    assert [language for _, language in planned(SWITCHED, "v2/fr_speaker_1")] == ["en", None, "en"]
    assert [language for _, language in planned(SWITCHED, "v2/de_speaker_1")] == ["en", "fr", "en"]


def test_without_a_voice_whoever_begins_is_at_home_in_what_they_begin_with() -> None:
    assert [language for _, language in planned(SWITCHED)] == [None, "fr", None]
    assert [language for _, language in planned("Das ist es nicht, sagt er.")] == [None]


def test_a_language_that_is_asked_for_is_read_in_its_manner() -> None:
    assert planned("Kuckuck!", "v2/en_speaker_1", "de") == [("Kuckuck!", "de")]
    assert planned("Kuckuck!", "v2/de_speaker_1", "de") == [("Kuckuck!", None)]


def test_figures_are_read_in_the_language_of_their_line() -> None:
    lines = planned("There are 2 of us: Wir sind seit 3 Jahren hier, und das ist gut so.", "v2/en_speaker_1")
    assert lines == [
        ("There are two of us:", None),
        ("Wir sind seit drei Jahren hier, und das ist gut so.", "de"),
    ]


@pytest.mark.parametrize("name", ["v2/en_speaker_0", "v2/en_speaker_1"])
def test_the_manner_is_that_of_a_preset_of_the_same_kind(name: str) -> None:
    own = pup().voices.load(name)
    read = in_manner(pup().parts, own, "fr")
    assert np.array_equal(read.semantic, own.semantic)
    assert np.array_equal(read.coarse, own.coarse)
    alike = [each for each in pup().voices.names() if np.array_equal(pup().voices.load(each).reading, read.reading)]
    assert alike
    assert language_of(alike[0]) == "fr"
    assert kind_of_named(pup().parts, alike[0]) == kind_of_named(pup().parts, name)


def test_a_strangers_name_says_nothing_of_the_kind() -> None:
    """A man's voice in a file that is called as a woman's of the model."""
    man = pup().voices.load("v2/en_speaker_1")
    stranger = replace(man, name="v2/en_speaker_0")
    assert np.array_equal(in_manner(pup().parts, stranger, "fr").reading, in_manner(pup().parts, man, "fr").reading)


def test_a_voice_stays_as_it_is_where_there_is_no_preset_of_the_language() -> None:
    own = pup().voices.load("v2/en_speaker_1")
    assert in_manner(pup().parts, own, "sv") is own


def test_only_lines_that_are_foreign_are_read_otherwise() -> None:
    english, french, _ = pup().plan(SWITCHED, "v2/en_speaker_1")
    own, other = voice_of(english), voice_of(french)
    assert own is not None and other is not None
    known = pup().voices.load("v2/en_speaker_1")
    assert np.array_equal(own.reading, known.reading)
    assert not np.array_equal(other.reading, own.reading)
    assert np.array_equal(other.fine, own.fine)


def test_the_voice_of_the_first_line_reads_the_others() -> None:
    lines = [Line("Das ist es nicht.", options=QUICK), Line("It was not so.", options=QUICK, language="en")]
    one, second = pup().narrate(lines)
    assert one.voice is None
    assert second.voice is not None
    assert second.voice.manner is not None
    assert np.array_equal(second.voice.fine, one.tokens.fine)


def test_a_made_voice_is_of_the_language_in_whose_manner_it_reads() -> None:
    own = pup().voices.load("v2/en_speaker_1")
    made = Voice("anna", own.semantic, own.coarse, own.fine, own.semantic, {"manner": "v2/de_speaker_0"})
    assert language_of(made) == "de"
    lines = pup().plan(SWITCHED, made)
    assert [line.language for line in lines] == ["en", "fr", "en"]


def test_in_a_dialogue_too() -> None:
    script = "Ann: She said it again and again.\nBen: Il fait beau aujourd'hui, mon ami."
    ann, ben = pup().plan_dialogue(script)
    assert (ann.language, ben.language) == (None, "fr")


def test_a_model_that_finds_its_way_gets_the_text_whole(own_checkpoint: Path) -> None:
    bark = Bark(own_checkpoint, "cpu")
    assert not bark.config.text.manners
    assert [(line.text, line.language) for line in bark.plan("Das ist es. It was.")] == [("Das ist es. It was.", None)]
    assert "manners" in bark.config.to_dict()["text"]
