"""Lines with tags that ask for sounds, said by the bundled model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from bark import Bark
from bark.errors import BarkWarning
from bark.options import GenerateOptions
from bark.text.tags import sounds_in

VOICE = "v2/en_speaker_0"
LINE = "[laughs] Good news."


@cache
def pup() -> Bark:
    return Bark("pup", "cpu")


def knowing(shortest: float | None = None, longest: float | None = None) -> Bark:
    """pup, with other limits."""
    bark = Bark("pup", "cpu")
    bark.parts.config = replace(bark.config, sounds=replace(bark.config.sounds, shortest=shortest, longest=longest))
    return bark


def temperature(text: str, options: GenerateOptions | None = None) -> float:
    return pup().request(text, VOICE, options).options.semantic.temperature


def test_they_are_said_at_temperatures_of_their_own() -> None:
    own, tags = pup().config.generation.semantic.temperature, pup().config.sounds.tags
    assert tags["[music]"] > tags["[laughs]"] == own
    assert temperature("[music] That is the best news.") == temperature("[laughs] Well. [Music]") == tags["[music]"]
    assert temperature(LINE) == tags["[laughs]"]
    assert temperature("That is the best news.") == temperature("[whispers] That is the best news.") == own


def test_a_temperature_that_is_chosen_stays() -> None:
    assert temperature("[music] That is it.", pup().config.generation.with_changes(temperature=0.3)) == 0.3


def test_each_sound_is_found_whatever_stands_around_it() -> None:
    tags = ("[laughs]", "[clears throat]")
    text = "[MAN] Oh[laughs]. [x] [Clears throat]"
    assert [text[start:end] for start, end in sounds_in(text, tags)] == ["[laughs]", "[Clears throat]"]
    assert sounds_in("[laughs", tags) == sounds_in("", tags) == []


def test_a_laugh_takes_its_time() -> None:
    (said,) = pup().generate(LINE, VOICE, seed=1).utterances
    assert not said.problems
    once_more = replace(pup().config.generation, retries=1, best_of=1)
    with pytest.warns(BarkWarning, match=r"\[laughs\] is not heard"):
        (short,) = knowing(shortest=9.0).generate(LINE, VOICE, seed=1, options=once_more).utterances
    assert short.tries == 2
    with pytest.warns(BarkWarning, match=r"\[laughs\] takes \d\.\d s"):
        (long,) = knowing(longest=0.1).generate(LINE, VOICE, seed=1, options=once_more).utterances
    assert long.problems
