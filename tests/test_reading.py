"""Texts that say who speaks, read by the bundled model's own voices."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bark import Bark
from bark.audio.pitch import median_pitch
from bark.casting import BOUNDARY, kind_of_named
from bark.lines import language_of
from bark.reading import People
from bark.text.split import Segment

LATTE = "WOMAN: I would like an oatmilk latte please.\nMAN: Wow, that's expensive!"


@cache
def pup() -> Bark:
    return Bark("pup", "cpu")


def who(text: str, seed: int = 1, **more: str) -> list[tuple[str, str | None]]:
    """What each line says, and the name of its voice."""
    lines = pup().plan(text, options=pup().config.generation.with_changes(seed=seed), **more)
    return [(line.text, None if line.voice is None else line.voice.name) for line in lines]


def test_each_speaks_in_a_voice_of_the_kind_and_no_tag_is_left() -> None:
    (first, woman), (second, man) = who(LATTE)
    assert (first, second) == ("I would like an oatmilk latte please.", "Wow, that's expensive!")
    assert woman and man
    assert (kind_of_named(pup().parts, woman), kind_of_named(pup().parts, man)) == ("WOMAN", "MAN")


def test_tags_within_a_paragraph_are_heeded_too() -> None:
    assert who("[WOMAN] I would like an oatmilk latte please. [MAN] Wow, that's expensive!") == who(LATTE)


def test_whoever_speaks_goes_on_until_another_does() -> None:
    voices = [name for _, name in who("[MAN] One.\n\nTwo.\n\n[WOMAN] Three.\n\nFour.\n\n[MAN] Five.")]
    assert voices[0] == voices[1] == voices[4]
    assert voices[2] == voices[3] != voices[0]


def test_before_the_first_tag_anybody_speaks() -> None:
    (_, nobody), (_, man) = who("It was late.\n\n[MAN] Who is there?")
    assert nobody is None
    assert man is not None


def test_the_seed_decides_who_it_is() -> None:
    drawn = [who("[MAN] Good morning to you all.", seed)[0][1] for seed in range(12)]
    assert drawn == [who("[MAN] Good morning to you all.", seed)[0][1] for seed in range(12)]
    assert len(set(drawn)) > 2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("[WOMAN] Das ist nicht der richtige Weg, und es ist auch schon spät.", "de"),
        ("[MAN] Привет, как у тебя дела сегодня?", "ru"),
        ("[MAN] Good morning to you all.", "en"),
    ],
)
def test_the_voice_is_of_the_language_of_the_line(text: str, language: str) -> None:
    assert language_of(who(text)[0][1]) == language


def test_a_language_that_is_asked_for_counts_where_nothing_else_tells() -> None:
    assert language_of(who("[MAN] Kuckuck!", language="de")[0][1]) == "de"


def test_a_voice_that_is_given_says_all() -> None:
    lines = pup().plan(LATTE, "v2/en_speaker_3")
    assert {line.voice.name for line in lines if line.voice} == {"v2/en_speaker_3"}  # type: ignore[union-attr]


def test_a_tag_alone_is_kept() -> None:
    assert People(pup().parts, 1, None).taken(Segment("[MAN] …", 0.0))[0] == "[MAN] …"


def test_without_voices_the_tag_asks_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(pup().parts.voices), "names", lambda self: [])
    assert who("[MAN] Good morning.") == [("[MAN] Good morning.", None)]


def test_men_and_women_are_heard_as_such() -> None:
    generation = pup().generate(LATTE, seed=3)
    woman, man = (median_pitch(each.audio, generation.sample_rate) for each in generation.utterances)
    assert woman and man
    assert man < BOUNDARY < woman
    again = pup().generate_batch([LATTE], seed=3)[0]
    assert np.allclose(again.audio, generation.audio, atol=1e-4)
