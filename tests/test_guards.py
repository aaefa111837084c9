"""What looks wrong is seen, what doesn't is left alone; what was seen is said anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bark import request as request_module
from bark import trying as trying_module
from bark.engine.alignment import Alignment
from bark.engine.surprise import surprise
from bark.errors import BarkWarning
from bark.guards import Problem, Said, badness, heard_problems, said_problems
from bark.lines import line_seed
from bark.models.config import GuardConfig, SoundConfig
from bark.options import GenerateOptions, SamplingOptions
from bark.pipeline import Bark
from bark.result import Generation
from bark.text.duration import expected_duration

TEXT = "Nobody had told the captain about the holes in the boat."  # 3.4 s are expected
LONG = "Hello there. The boat left. It is dawn."
RATES = (25.0, 49.9)


def varied(seconds: float, rate: float) -> list[int]:
    """Tokens without a pattern."""
    return np.random.default_rng(1).integers(1000, size=round(seconds * rate)).tolist()


def alignment(path: list[int], words: int) -> Alignment:
    """Of an utterance that looks at one text token after another."""
    return Alignment(np.eye(words)[path], np.maximum.accumulate(path), 25.0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pace", [0.7, 1.0, 1.5])
def test_ordinary_speech_is_left_alone(pace: float, rate: float) -> None:
    tokens = varied(pace * expected_duration(TEXT), rate)
    assert said_problems(Said(TEXT, tokens, rate)) == []
    path = np.linspace(0, 12, len(tokens)).astype(int).tolist()
    assert said_problems(Said(TEXT, tokens, rate, alignment=alignment(path, 13))) == []


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("seconds", "says"), [(9.0, "takes 9.0 s"), (0.8, "takes only 0.8 s"), (0.0, "only 0.0 s")])
def test_too_long_and_too_short(seconds: float, says: str, rate: float) -> None:
    (problem,) = said_problems(Said(TEXT, varied(seconds, rate), rate))
    assert says in problem.text and "where 3.4 s are expected" in problem.text
    assert said_problems(Said(TEXT, varied(seconds, rate), rate, cut=True)) == []


def test_short_texts_may_be_said_slowly_or_fast() -> None:
    for seconds in (0.25, 0.5, 1.0, 2.0):
        assert said_problems(Said("Yes.", varied(seconds, 25), 25.0)) == []


def test_tags_and_songs_take_as_long_as_they_take() -> None:
    assert said_problems(Said("Well… [laughs]", varied(7.0, 25), 25.0)) == []
    assert said_problems(Said("Well, well.", varied(7.0, 25), 25.0))


def test_what_has_no_letter_has_no_expected_length() -> None:
    assert said_problems(Said("?!", varied(5.0, 25), 25.0)) == []


def test_the_limit_of_the_model() -> None:
    (problem,) = said_problems(Said(TEXT, varied(14.0, 25), 25.0, limited=True))
    assert problem.text == "it doesn't end: 14.0 s, as long as the model can speak"


@pytest.mark.parametrize("rate", RATES)
def test_sounds_that_stand_and_loops(rate: float) -> None:
    still = [*varied(1.5, rate), *[7] * round(2 * rate)]
    assert "one sound stands for 2.0 s" in said_problems(Said(TEXT, still, rate))[0].text
    once = varied(0.8, rate)
    loop = said_problems(Said(TEXT, [*varied(0.5, rate), *once * 4], rate))
    assert "it repeats itself for 2.4 s" in loop[0].text
    assert said_problems(Said(TEXT, [*varied(1.5, rate), *once, *once], rate)) == []


def test_words_that_are_missing_or_said_again() -> None:
    tokens = varied(3.6, 25)
    short = np.linspace(0, 8, len(tokens)).astype(int).tolist()
    (problem,) = said_problems(Said(TEXT, tokens, 25.0, alignment=alignment(short, 13)))
    assert problem.text == "the last 31% of the text is not said"
    again = [*np.linspace(0, 12, 60).astype(int).tolist(), *np.linspace(2, 12, 30).astype(int).tolist()]
    assert said_problems(Said(TEXT, tokens, 25.0, alignment=alignment(again, 13))) == []  # too short for that
    (problem,) = said_problems(Said(TEXT, varied(5.0, 25), 25.0, alignment=alignment(again, 13)))
    assert problem.text == "69% of the text is said again"


def test_what_surprises_the_model_is_garbled() -> None:
    def found(nats: float | None, limit: float | None) -> list[Problem]:
        return said_problems(Said(TEXT, varied(3.6, 25), 25.0, surprise=nats, limits=GuardConfig(limit)))

    assert found(2.0, 2.5) == found(2.5, 2.5) == found(9.0, None) == found(None, 2.5) == []
    (bad,), (worse,) = found(3.0, 2.5), found(3.4, 2.5)
    assert bad.text == "it surprises the model itself: 3.0 nats a token, where 2.5 are usual"
    assert badness([bad]) < badness([worse])


def test_sounds_that_are_passed_over_or_do_not_end() -> None:
    known = SoundConfig({"[music]": 0.4}, shortest=0.4, longest=6.0, lengths={"[music]": (2.0, 11.0)})

    def found(*sounds: tuple[str, float], known: SoundConfig = known, cut: bool = False) -> list[str]:
        said = Said("Well… [laughs] [sighs]", varied(7.0, 25), 25.0, cut=cut, sounds=sounds, known=known)
        return [problem.text for problem in said_problems(said)]

    assert found(("[laughs]", 0.4), ("[sighs]", 6.0)) == []
    assert found(("[laughs]", 0.1), ("[sighs]", 6.5)) == ["[laughs] is not heard", "[sighs] takes 6.5 s"]
    assert found(("[music]", 1.9), ("[music]", 11.0)) == ["[music] is not heard"]
    assert found(("[Music]", 2.0), ("[music]", 11.5)) == ["[music] takes 11.5 s"]
    assert found(("[laughs]", 0.1), cut=True) == []
    assert found(("[laughs]", 0.1), ("[sighs]", 60.0), known=SoundConfig()) == []


Audio = npt.NDArray[np.float32]


def noise(seconds: float, level: float = 0.1) -> Audio:
    return (level * np.random.default_rng(2).standard_normal(round(seconds * 24_000))).astype(np.float32)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * 24_000), dtype=np.float32)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (noise(2), None),
        (np.concatenate([silence(0.4), noise(2), silence(1.2), noise(1), silence(0.5)]), None),
        (np.concatenate([noise(2), silence(2.5), noise(2)]), "a silence of 2.5 s in it"),
        (np.concatenate([noise(1), silence(4)]), "80% of it is silence"),
        (noise(2, 0.001), "nearly silent: -60 dB"),
        (np.clip(noise(2, 0.9), -1, 1), "of it is clipped"),
        (silence(0.001), None),
    ],
)
def test_audio(audio: Audio, says: str | None) -> None:
    found = heard_problems(audio, 24_000)
    assert [says in each.text for each in found] == [True] if says else found == []


def test_two_problems_are_worse_than_one() -> None:
    assert badness([Problem("a", 1.0), Problem("b", 0.5)]) == 1.5


Judge = Callable[..., None]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Says what looks wrong, by the number of the try."""

    def judge(said: list[float] | None = None, heard: Callable[[Audio], float] | None = None) -> None:
        left = list(said or [])

        def said_problems(_: Said) -> list[Problem]:
            bad = left.pop(0) if left else 0.0
            return [Problem(f"said {bad}", bad)] if bad else []

        def heard_problems(audio: Audio, _: int) -> list[Problem]:
            bad = heard(audio) if heard else 0.0
            return [Problem(f"heard {bad:.4f}", bad)] if bad else []

        monkeypatch.setattr(trying_module, "said_problems", said_problems)
        monkeypatch.setattr(request_module, "heard_problems", heard_problems)

    return judge


def guarded(seed: int = 5, retries: int = 2) -> GenerateOptions:
    return GenerateOptions(seed=seed, retries=retries)


def test_what_looks_wrong_is_said_with_the_next_seed(bark: Bark, judge: Judge) -> None:
    judge([1.0, 1.0])
    (one,) = bark.generate("Hello", options=guarded()).utterances
    assert (one.seed, one.tries, one.problems) == (7, 3, ())
    plain = bark.generate("Hello", seed=7)
    assert np.array_equal(one.audio, plain.audio)
    assert np.array_equal(one.tokens.semantic, plain.tokens.semantic)


def test_the_least_bad_is_taken_with_a_warning(bark: Bark, judge: Judge) -> None:
    judge([2.0, 1.0, 3.0])
    with pytest.warns(BarkWarning, match=r"^line 1 \('Hello'\) looks wrong after 3 tries: said 1.0$") as told:
        (one,) = bark.generate("Hello", options=guarded()).utterances
    assert told[0].filename == __file__
    assert (one.seed, one.tries, one.problems) == (6, 3, ("said 1.0",))


def test_without_retries_nothing_is_looked_at(bark: Bark, judge: Judge) -> None:
    judge([1.0], lambda audio: 1.0)
    (one,) = bark.generate("Hello", options=guarded(retries=0)).utterances
    assert (one.seed, one.tries, one.problems) == (5, 1, ())


def test_what_another_seed_would_say_as_well_is_tried_once(bark: Bark, judge: Judge) -> None:
    judge([1.0])
    options = GenerateOptions(semantic=SamplingOptions(temperature=0), seed=5, retries=2)
    with pytest.warns(BarkWarning, match="looks wrong at the first try"):
        (one,) = bark.generate("Hello", options=options).utterances
    assert one.tries == 1


def test_how_it_sounds_counts_but_for_the_first_line(bark: Bark, judge: Judge) -> None:
    judge(heard=lambda audio: 1 + float(np.abs(audio).max()))
    with pytest.warns(BarkWarning, match="looks wrong") as told:
        made = bark.generate(LONG, options=guarded())
    assert len(told) == len(made.utterances) > 1
    assert [each.tries for each in made.utterances] == [1, *[3] * (len(made.utterances) - 1)]
    second = made.utterances[1]
    loudness = [
        float(np.abs(bark.generate(second.text, second.voice, seed=line_seed(5, 1) + i).audio).max()) for i in range(3)
    ]
    assert second.seed == line_seed(5, 1) + int(np.argmin(loudness))


def test_tries_are_counted_together(bark: Bark, judge: Judge) -> None:
    """The first try of the second line looks wrong, the second sounds wrong, and the third is the last."""
    sounds = iter([0.0, 2.0, 1.0])
    judge([0.0, 1.0, 0.0, 0.0], lambda audio: next(sounds))
    text = "Hello there. The boat left."
    with pytest.warns(BarkWarning, match=r"line 2 .* after 3 tries: heard 1.0"):
        made = bark.generate(text, options=guarded())
    assert made.utterances[1].seed == line_seed(5, 1) + 2


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_stream_and_batch_take_the_same(checkpoint: Path, judge: Judge) -> None:
    exact = Bark(checkpoint, "cpu", "float32")

    def heard(audio: Audio) -> float:
        peak = float(np.abs(audio).max())
        return peak if int(peak * 1e5) % 2 else 0.0

    judge(heard=heard)
    alone = [exact.generate(LONG, options=guarded(seed)) for seed in (5, 6)]
    streamed = [np.concatenate(list(exact.stream(LONG, options=guarded(seed)))) for seed in (5, 6)]
    together = exact.generate_batch([LONG, LONG], seed=[5, 6], options=guarded(), slots=3)
    assert max(each.tries for made in alone for each in made.utterances) > 1
    for one, stream, row in zip(alone, streamed, together, strict=True):
        assert np.array_equal(one.audio, stream)
        assert np.array_equal(one.audio, row.audio)
        assert [(each.seed, each.tries) for each in one.utterances] == [(e.seed, e.tries) for e in row.utterances]


def test_random_weights_come_to_an_end(bark: Bark) -> None:
    with pytest.warns(BarkWarning, match="looks wrong after 3 tries: it doesn't end"):
        made = bark.generate(LONG, options=guarded())
    assert [each.tries for each in made.utterances] == [3] * len(made.utterances)


def test_a_word_of_which_a_breath_is_left() -> None:
    def said(tokens: int) -> Said:
        return Said("Hi", list(range(tokens)), 25.0)

    assert [problem.text for problem in said_problems(said(3))] == ["it takes only 0.1 s, where 0.4 s are expected"]
    assert not said_problems(said(11))


def limited(checkpoint: Path, surprise: float) -> Bark:
    """The tiny model, which finds whatever it says unlikely, with a limit."""
    exact = Bark(checkpoint, "cpu", "float32")
    exact.parts.config = replace(exact.config, guards=GuardConfig(surprise))
    return exact


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_the_least_surprising_of_all_tries_is_taken(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bark.guards._length", lambda _: [])
    bark = limited(checkpoint, 0.01)
    alone = [surprise_of(bark, bark.generate("Hello", seed=seed)) for seed in (5, 6, 7)]
    (taken,) = bark.generate("Hello", options=guarded()).utterances
    assert (taken.seed, taken.tries) == (5 + int(np.argmin(alone)), 3)
    assert [problem.startswith("it surprises the model itself") for problem in taken.problems] == [True]
    (calm,) = limited(checkpoint, 100.0).generate("Hello", options=guarded()).utterances
    assert (calm.seed, calm.tries, calm.problems) == (5, 1, ())


def surprise_of(bark: Bark, made: Generation) -> float:
    with bark.parts.semantic() as stage:
        return float(surprise(stage, bark.encode("Hello"), None, made.tokens.semantic).mean())
