"""Lines spoken one after another, on the tiny model: one way, however it is asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.errors import BarkWarning, TextError
from bark.lines import Line
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.result import Generation

LONG = "Hello there. The boat left. It is dawn.\n\nI like pizza. My name is Suno."


@pytest.fixture(scope="module")
def spoken(bark: Bark) -> Generation:
    return bark.generate(LONG, seed=3)


def test_a_long_text_is_spoken_line_by_line(bark: Bark, spoken: Generation) -> None:
    plan = bark.plan(LONG, options=GenerateOptions(retries=0, seed=3))
    assert len(plan) > 3
    assert [each.text for each in spoken.utterances] == [line.text for line in plan]
    assert [each.seed for each in spoken.utterances] == [line.seed for line in plan]
    assert (spoken.text, spoken.seed) == (" ".join(LONG.split()), 3)
    samples = sum(len(each.audio) + round(each.pause * 24_000) for each in spoken.utterances)
    assert len(spoken.audio) == samples
    assert spoken.duration == pytest.approx(samples / 24_000)


def test_utterances_are_where_they_say(spoken: Generation) -> None:
    for each in spoken.utterances:
        start = round(each.start * 24_000)
        assert np.shares_memory(each.audio, spoken.audio)
        assert np.array_equal(spoken.audio[start : start + len(each.audio)], each.audio)
    assert sum(each.pause for each in spoken.utterances) > 0.7


def test_tokens_and_timings_are_those_of_all(spoken: Generation) -> None:
    parts = [each.tokens for each in spoken.utterances]
    assert np.array_equal(spoken.tokens.semantic, np.concatenate([each.semantic for each in parts]))
    assert spoken.tokens.fine.shape == (8, sum(each.fine.shape[1] for each in parts))
    assert spoken.timings["coarse"] == pytest.approx(sum(each.timings["coarse"] for each in spoken.utterances))


@pytest.mark.parametrize("voice", [None, "v2/en_speaker_0"])
def test_the_stream_is_the_whole(voice: str | None, bark: Bark) -> None:
    whole = bark.generate(LONG, voice, seed=4)
    pieces = list(bark.stream(LONG, voice, seed=4))
    assert len(pieces) > len(whole.utterances)
    assert np.array_equal(np.concatenate(pieces), whole.audio)


def test_narrating_is_the_same(bark: Bark, spoken: Generation) -> None:
    made = list(bark.narrate(bark.plan(LONG, options=GenerateOptions(retries=0, seed=3))))
    assert [each.start for each in made] == [each.start for each in spoken.utterances]
    for one, other in zip(made, spoken.utterances, strict=True):
        assert np.array_equal(one.audio, other.audio)


def test_the_first_line_is_the_voice_of_the_others(bark: Bark, spoken: Generation) -> None:
    first, second, *_ = spoken.utterances
    assert first.voice is None
    again = bark.generate(second.text, first.to_voice(), seed=second.seed)
    assert np.array_equal(again.audio, second.audio)


def test_every_speaker_keeps_a_voice(bark: Bark) -> None:
    options = GenerateOptions(retries=0, seed=1)
    lines = [Line("Hello", speaker=speaker, options=options, seed=i) for i, speaker in enumerate("ABAB")]
    made = list(bark.narrate(lines))
    assert [each.voice and each.voice.name for each in made] == [None, None, "A", "B"]
    assert np.array_equal(made[2].voice.semantic, made[0].tokens.semantic)  # type: ignore[union-attr]


def test_lines_are_asked_for_one_by_one(bark: Bark) -> None:
    asked = []

    def lines() -> Iterator[Line]:
        for number in range(100):
            asked.append(number)
            yield Line("Hello", seed=number)

    made = bark.narrate(lines())
    next(made), next(made)
    assert len(asked) == 2


def test_an_utterance_is_made_again_from_what_it_says(bark: Bark, spoken: Generation) -> None:
    last = spoken.utterances[-1]
    (again,) = bark.narrate([Line(last.text, voice=last.voice, seed=last.seed)])
    assert np.array_equal(again.audio, last.audio)
    assert again.start == 0


def test_a_limit_holds_for_the_whole(bark: Bark, spoken: Generation) -> None:
    with pytest.warns(
        BarkWarning, match=r"^4 s are used up: line \d \('.*'\) and what follows were not spoken"
    ) as told:
        cut = bark.generate(LONG, seed=3, max_duration=4.0)
    assert told[0].filename == __file__
    assert 3.5 < cut.duration <= 4.04
    first = cut.utterances[0].audio
    assert np.array_equal(first, spoken.audio[: len(first)])


def test_a_line_that_is_too_long_for_the_model_is_cut(bark: Bark) -> None:
    with pytest.warns(BarkWarning, match=r"the model reads 48") as told:
        list(bark.narrate([Line("The boat left. " * 30, seed=1)]))
    assert told[0].filename == __file__


def test_an_empty_line_has_no_voice(bark: Bark) -> None:
    lines = [Line("Hello", options=GenerateOptions(retries=0, min_eos_p=1e-30), seed=1), *[Line("Hello", seed=2)] * 2]
    with pytest.warns(BarkWarning, match=r"line 1 \('Hello'\): the model ended .* at once: the audio is empty"):
        empty, first, second = bark.narrate(lines)
    assert len(empty.audio) == 0
    assert first.voice is None
    assert second.voice is not None


def test_errors_come_when_they_are_known(bark: Bark) -> None:
    with pytest.raises(TextError):
        bark.stream("* * *")
    lines = bark.narrate([Line("Hello", seed=1), Line(" ")])
    next(lines)
    with pytest.raises(TextError):
        next(lines)


def test_a_result_as_a_voice_is_its_longest_utterance(spoken: Generation) -> None:
    longest = max(spoken.utterances, key=lambda each: each.duration)
    assert np.array_equal(spoken.to_voice("mine").semantic, longest.tokens.semantic)
    empty = replace(spoken, utterances=spoken.utterances[:1])
    assert np.array_equal(empty.to_voice().semantic, spoken.utterances[0].tokens.semantic)


def test_stream_and_generate_of_the_bundled_model(bundled: Path) -> None:
    pup = Bark(bundled, "cpu")
    text = "It rained. Nobody had told the captain.\n\nHe knew."
    whole = pup.generate(text, seed=2)
    assert len(whole.utterances) == 2
    assert np.array_equal(np.concatenate(list(pup.stream(text, seed=2))), whole.audio)


SENTENCES = (
    "It rained.",
    "Nobody had told the captain.",
    "[laughs] Well, well…",
    "He paid 3.50 for it.",
    "\n\nThen?",
    "Across the harbour, past the old crane and the ferries, somebody was playing a very slow tune.",
    "“No,” she said — “not again!”",
    "♪ row, row, row your boat ♪",
)


def any_text(rng: random.Random) -> str:
    return " ".join(rng.choices(SENTENCES, k=rng.randint(1, 5)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_fifty_streams_are_the_whole(bundled: Path) -> None:
    """Whatever is said, by whom, how hot, with how many tries."""
    pup, rng = Bark(bundled, "cpu"), random.Random(3)
    for _ in range(50):
        text, voice, seed = any_text(rng), rng.choice([None, *pup.voices.names()]), rng.getrandbits(32)
        options = replace(pup.config.generation, retries=rng.choice([0, 2]), seed=seed)
        options = options.with_changes(temperature=rng.choice([None, None, 0.7, 1.2]))
        whole = pup.generate(text, voice, options=options)
        streamed = np.concatenate(list(pup.stream(text, voice, options=options)))
        assert np.array_equal(streamed, whole.audio), (text, voice, options)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_rows_of_a_batch_are_as_alone(bundled: Path) -> None:
    pup, rng = Bark(bundled, "cpu", "float32"), random.Random(4)
    texts = [any_text(rng) for _ in range(12)]
    voices = [rng.choice([None, *pup.voices.names()]) for _ in texts]
    rows = pup.generate_batch(texts, voices, seed=1, slots=5)
    for number, (text, voice, row) in enumerate(zip(texts, voices, rows, strict=True), 1):
        alone = pup.generate(text, voice, seed=number)
        assert np.array_equal(row.tokens.semantic, alone.tokens.semantic), (text, voice)
        np.testing.assert_allclose(row.audio, alone.audio, atol=1e-3)
