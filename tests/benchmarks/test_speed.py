"""`bark bench`: the tiny model, measured."""

from __future__ import annotations

import json

import pytest

from bark.evaluation.measures import Workload, coarse_tokens
from bark.evaluation.speed import StageRunner, long_voice, measure_speed
from bark.pipeline import Bark

FIGURES = {"semantic_first", "semantic_token", "coarse_first", "coarse_token", "coarse_window", "fine_window", "codec"}
FIGURES |= {"speech", "speech_first", "speech_voice", "speech_voice_first", "load", "memory", "batch_2"}


@pytest.fixture(scope="module")
def runner(bark: Bark) -> StageRunner:
    return StageRunner(bark, text=5)


def test_everything_is_measured(bark: Bark) -> None:
    rounds: list[tuple[str, int, int]] = []
    speed = measure_speed(
        bark, Workload(5, 6, 0.4, (2,)), rounds=2, gib=0.001, progress=lambda *seen: rounds.append(seen)
    )
    assert set(speed.figures) == FIGURES
    assert sum(speed.stages.values()) == pytest.approx(1)
    assert rounds[:2] == [("codec", 1, 2), ("codec", 2, 2)]
    assert json.loads(json.dumps(speed.to_dict()))["workload"]["semantic"] == 6


@pytest.mark.parametrize("voice", [False, True])
def test_stages_do_what_they_are_asked(runner: StageRunner, voice: bool) -> None:
    config = runner.bark.config
    assert runner.run("coarse", semantic=9, voice=voice)["tokens"] == coarse_tokens(config, 9)
    said = runner.run("speech", tokens=10, voice=voice)
    assert said["duration"] == pytest.approx(10 / config.tokens.semantic_rate)
    assert 0 < said["first"] <= said["seconds"]
    assert {"semantic", "coarse", "fine", "codec"} <= set(said)


def test_the_voice_fills_every_history(bark: Bark) -> None:
    voice, config = long_voice(bark.config), bark.config
    assert len(voice.semantic) > config.semantic_layout.history_length
    assert voice.coarse.size > config.coarse_layout.max_history
    assert voice.fine.shape[1] > config.fine_layout.max_history


def test_batches_say_as_much_for_every_row(runner: StageRunner) -> None:
    said = runner.run("batch", tokens=10, rows=3)
    assert said["duration"] == pytest.approx(3 * 10 / runner.tokens.semantic_rate)
    assert said["seconds"] > 0
