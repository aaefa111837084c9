"""Several takes of a line, of which one is spoken; what is right for one is right for all ways to say it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark import trying
from bark.engine import sequence
from bark.engine.choosing import ranked
from bark.engine.surprise import surprise
from bark.errors import CheckpointError, OptionError
from bark.flow import Flow
from bark.guards import Problem, Said
from bark.options import GenerateOptions, SamplingOptions
from bark.pipeline import Bark
from bark.project import Project
from bark.request import Request, Take
from bark.speaking import Speaking

TEXT = "Hello there."
LONG = "Hello there. The boat left."


@pytest.fixture(scope="module")
def exact(checkpoint: Path) -> Bark:
    return Bark(checkpoint, "cpu", "float32")


def options(best_of: int, seed: int = 1, **more: object) -> GenerateOptions:
    return GenerateOptions(seed=seed, retries=0, best_of=best_of, **more)  # type: ignore[arg-type]


def takes_of(bark: Bark, request: Request) -> list[list[int]]:
    """All takes, each said alone."""
    with bark.parts.semantic() as stage:
        return [
            list(sequence.alone(stage.model, stage.capacity, request.semantic(stage, take)))
            for take in range(request.takes)
        ]


@pytest.mark.parametrize("voice", [None, "v2/en_speaker_0"])
def test_the_best_take_is_spoken(exact: Bark, voice: str | None) -> None:
    request = exact.request(TEXT, voice, options(5))
    takes = takes_of(exact, request)
    assert len({tuple(take) for take in takes}) == 5
    history = request.voice.reading if request.voice else None
    with exact.parts.semantic() as stage:
        nats = [surprise(stage, np.array(request.ids), history, np.array(take)) for take in takes]
    best = ranked(takes, nats, exact.config.tokens.semantic_rate)[0]
    ((_, made),) = exact.iterate([request])
    assert made.tokens.semantic.tolist() == takes[best]
    (said,) = exact.narrate(exact.plan(TEXT, voice, options(5)))
    assert said.tokens.semantic.tolist() == takes[best]


def test_the_first_take_is_what_is_said_alone(exact: Bark) -> None:
    alone = exact.generate(TEXT, options=options(1))
    assert takes_of(exact, exact.request(TEXT, None, options(3)))[0] == alone.tokens.semantic.tolist()


def test_what_a_writer_has_not_told_is_computed(exact: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    told = exact.generate(TEXT, options=options(4))
    begun_late = trying._begun_late
    monkeypatch.setattr(
        trying, "_begun_late", lambda request, stage, take, nats, gaze: begun_late(request, stage, take, None, None)
    )
    assert np.array_equal(exact.generate(TEXT, options=options(4)).audio, told.audio)


def test_stream_and_batch_take_the_same(exact: Bark) -> None:
    own = [options(3, seed) for seed in (5, 6)]
    alone = [exact.generate(LONG, options=each) for each in own]
    for one, each in zip(alone, own, strict=True):
        assert np.array_equal(one.audio, np.concatenate(list(exact.stream(LONG, options=each))))
    firsts = [exact.generate(LONG, options=replace(each, best_of=1)) for each in own]
    assert not all(np.array_equal(one.audio, first.audio) for one, first in zip(alone, firsts, strict=True))
    for slots in (1, 3):
        together = exact.generate_batch([LONG, LONG], seed=[5, 6], options=own[0], slots=slots)
        for one, row in zip(alone, together, strict=True):
            assert np.array_equal(one.audio, row.audio)


def test_what_is_the_same_each_time_is_said_once(exact: Bark) -> None:
    greedy = options(8, semantic=SamplingOptions(temperature=0))
    assert exact.request(TEXT, None, greedy).takes == 1
    assert np.array_equal(
        exact.generate(TEXT, options=greedy).audio, exact.generate(TEXT, options=replace(greedy, best_of=1)).audio
    )


def test_a_take_that_looks_wrong_is_passed_over(exact: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(options(3), retries=1)
    request = exact.request(TEXT, None, replace(asked, retries=0))
    ((_, chosen),) = exact.iterate([request])
    best, seen = chosen.tokens.semantic.tolist(), []

    def said_problems(said: Said) -> list[Problem]:
        seen.append(list(said.tokens))
        return [Problem("it is wrong", 1.0)] if list(said.tokens) == best else []

    monkeypatch.setattr(trying, "said_problems", said_problems)
    (said,) = exact.generate(TEXT, options=asked).utterances
    assert (said.tries, said.problems, said.seed) == (1, (), 1)
    assert seen[0] == best
    assert said.tokens.semantic.tolist() == seen[-1] != best
    assert said.tokens.semantic.tolist() in takes_of(exact, request)


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_all_takes_are_made_anew(exact: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []

    def said_problems(said: Said) -> list[Problem]:
        seen.append(list(said.tokens))
        return [Problem("it is wrong", 6.0 - len(seen))]

    monkeypatch.setattr(trying, "said_problems", said_problems)
    (said,) = exact.generate(TEXT, options=replace(options(2, seed=7), retries=1)).utterances
    assert len(seen) == 4
    assert (said.tries, said.seed) == (2, 8)
    assert said.tokens.semantic.tolist() == seen[-1]
    seen.clear()
    ((_, row),) = exact.iterate([exact.request(TEXT, None, replace(options(2, seed=7), retries=1))])
    assert len(seen) == 4
    assert np.array_equal(row.audio, said.audio)


@pytest.mark.parametrize("when", [0, 1, 4])
def test_who_is_given_up_leaves_no_take(exact: Bark, when: int) -> None:
    with Flow[str](Speaking(exact.parts), 2) as flow:
        flow.begin("gone", exact.request(TEXT, None, options(5)))
        items = [item for _ in range(when) for item in flow.step()]
        flow.cancel("gone")
        assert (flow.busy, flow.free) == (False, 2)
        flow.begin("new", exact.request(TEXT, None, options(2, seed=9, max_duration=1.0)))
        while flow.busy:
            items += list(flow.step())
    (take,) = [item for name, item in items if isinstance(item, Take) and name == "new"]
    alone = exact.generate(TEXT, options=options(2, seed=9, max_duration=1.0))
    assert np.array_equal(np.concatenate(list(take.pieces)), alone.audio)


def test_progress_is_the_longest_takes(exact: Bark) -> None:
    told: list[tuple[float, bool]] = []
    lines = exact.plan(TEXT, options=options(3))
    (said,) = exact.narrate(
        lines, progress=lambda stage, seconds, ended: told.append((seconds, ended)) if stage == "semantic" else None
    )
    seconds = [each for each, _ in told[:-1]]
    assert seconds == sorted(seconds)
    assert told[-1] == (len(said.tokens.semantic) / exact.config.tokens.semantic_rate, True)


@pytest.mark.parametrize("number", [0, 65, 1.5, True, "3"])
def test_nonsense_is_told(number: object) -> None:
    with pytest.raises(OptionError, match="best_of must be a whole number, at least 1 and at most 64"):
        GenerateOptions(best_of=number)  # type: ignore[arg-type]


@pytest.fixture
def choosy(own_checkpoint: Path) -> Bark:
    """A model that makes three takes in English, and one elsewhere."""
    path = own_checkpoint / "config.json"
    config = json.loads(path.read_text())
    config |= {"takes": {"en": 3}, "generation": {"best_of": 1, "retries": 0}}
    path.write_text(json.dumps(config))
    return Bark(own_checkpoint, "cpu", "float32")


def test_as_many_takes_as_the_language_is_worth(choosy: Bark) -> None:
    def takes(text: str, voice: str | None, own: GenerateOptions | None = None) -> int:
        return choosy.request(text, voice, own).takes

    german = "Der Hund und die Katze sind nicht da."
    assert takes("The dog and the cat", "v2/en_speaker_0") == takes("The dog and the cat", None) == 3
    assert takes(german, "v2/de_speaker_0") == takes(german, None) == takes(german, "v2/en_speaker_0") == 1
    assert takes("Hello", "v2/de_speaker_0") == 1
    assert takes("The dog", None, GenerateOptions(seed=1)) == 3
    assert takes("The dog", None, choosy.config.generation.with_changes(seed=1)) == 3
    assert takes("The dog", None, GenerateOptions(best_of=1)) == 1
    assert takes(german, None, GenerateOptions(best_of=2)) == 2


@pytest.mark.parametrize("voice", [None, "v2/en_speaker_0"])
def test_nobody_is_asked_whether_english_is_english(
    choosy: Bark, voice: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To load what tells languages by their letters takes as long as to read a sentence."""
    monkeypatch.setattr("bark.text.language._identifier", lambda: pytest.fail("it was loaded"))
    assert choosy.request("Hello there, my friend.", voice).takes == 3
    assert choosy.request("Rain fell.", voice).takes == 3


def test_a_project_makes_as_many_takes_when_it_goes_on(choosy: Bark, tmp_path: Path) -> None:
    own = GenerateOptions(seed=4, max_duration=1.0)
    lines = choosy.plan(LONG, "v2/en_speaker_0", own)
    said = list(choosy.narrate(lines))
    assert len(said) > 1
    with Project(choosy.parts, tmp_path / "book") as project:
        project.begin(lines, 4)
        next(project.speak())
    with Project(choosy.parts, tmp_path / "book") as project:
        project.open()
        again = list(project.speak())
    for one, other in zip(said[1:], again, strict=True):
        assert np.array_equal(one.audio, other.audio)


@pytest.mark.parametrize("takes", [3, {"en": 0}, {"en": "4"}, {"en": True}])
def test_takes_that_can_not_be(own_checkpoint: Path, takes: object) -> None:
    path = own_checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"takes": takes}))
    with pytest.raises(CheckpointError, match=r"config\.json: takes"):
        Bark(own_checkpoint)
