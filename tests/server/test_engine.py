"""The engine of a worker, on the tiny model: what many jobs say together is what each says alone."""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import SemanticStage
from bark.engine.sequence import Sequence
from bark.errors import BarkWarning, CheckpointError, OptionError, TextError, VoiceError, WeightsNotFoundError
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.request import Request
from bark.result import Generation
from bark.server.engine import BarkEngine, suiting_devices
from bark.server.jobs import FloatArray
from bark.server.messages import Audio, Begin, LineEnded, Warned, WorkerSettings
from bark.voices import Voice
from tests.conftest import tiny_voice

LONG = "Hello there. The boat left. It is dawn.\n\nI like pizza. My name is Suno."
SCRIPT = "---\ncast: {BEN: v2/en_speaker_1}\n---\nBEN: Hello.\nANN: I like pizza. The boat left.\nBEN: It is dawn."
UNCHECKED = GenerateOptions(retries=0)


class Spoken:
    """What came of some jobs, by their keys.

    Args:
        engine: that speaks; it is given a turn for a job whenever that may have one.
        jobs: to be spoken at the same time.
    """

    def __init__(self, engine: BarkEngine, *jobs: Begin) -> None:
        self.pieces: dict[int, list[FloatArray]] = defaultdict(list)
        self.warnings: dict[int, list[str]] = defaultdict(list)
        self.ended: dict[int, LineEnded] = {}
        self.lines: dict[int, int] = defaultdict(int)
        for job in jobs:
            engine.open(job)
            engine.turn(job.key)
        while engine.rows:
            for event in engine.step():
                if isinstance(event, Audio):
                    self.pieces[event.key].append(np.frombuffer(event.data, dtype=np.float32))
                elif isinstance(event, Warned):
                    self.warnings[event.key].append(event.text)
                else:
                    self.lines[event.key] += 1
                    if event.more:
                        engine.turn(event.key)
                    else:
                        self.ended[event.key] = event

    def audio(self, key: int) -> FloatArray:
        return np.concatenate(self.pieces[key])


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> BarkEngine:
    return BarkEngine(WorkerSettings(str(checkpoint), "cpu"))


def begin(key: int, text: str, **more: object) -> Begin:
    fields = {"voice": None, "options": UNCHECKED, "language": None, "dialogue": False, "seed": key, **more}
    return Begin(key, text, **fields)  # type: ignore[arg-type]


def alone(bark: Bark, job: Begin) -> Generation:
    options = job.options
    if job.dialogue:
        return bark.dialogue(job.text, options=options, seed=job.seed)
    return bark.generate(job.text, job.voice, options=options, seed=job.seed, language=job.language)


@pytest.mark.slow
def test_many_jobs_are_each_as_alone(engine: BarkEngine, bark: Bark) -> None:
    jobs = [
        begin(1, "Hello, my name is Suno."),
        begin(2, LONG),
        begin(3, "It is dawn.", voice="v2/en_speaker_0"),
        begin(4, SCRIPT, dialogue=True),
        begin(5, "The boat left.", voice=tiny_voice("mine", 8), options=GenerateOptions(retries=0, max_duration=0.8)),
        begin(6, "I like pizza.", options=UNCHECKED.with_changes(temperature=0.3)),
    ]
    spoken = Spoken(engine, *jobs)
    for job in jobs:
        np.testing.assert_allclose(spoken.audio(job.key), alone(bark, job).audio, atol=1e-6)
    assert spoken.lines[2] == len(bark.plan(LONG))
    assert spoken.lines[4] == len(bark.plan_dialogue(SCRIPT))
    assert spoken.lines[6] == 1
    assert len(spoken.pieces[1]) > 1  # in pieces, as they are made
    assert (engine.free, engine.rows) == (8, 0)
    assert engine._readers == {}


def test_lines_that_look_wrong_are_said_anew_as_alone(engine: BarkEngine, bark: Bark) -> None:
    job = begin(1, "Hello there. The boat left.", options=GenerateOptions(retries=1))
    spoken = Spoken(engine, job)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        whole = alone(bark, job)
    assert any(each.tries > 1 for each in whole.utterances[1:])
    np.testing.assert_allclose(spoken.audio(1), whole.audio, atol=1e-6)
    assert spoken.warnings[1] == [str(each.message) for each in told if each.category is BarkWarning]
    assert len(spoken.pieces[1]) > len(whole.utterances)  # the first line in pieces, the others whole


def test_a_limit_ends_a_long_text(engine: BarkEngine, bark: Bark) -> None:
    job = begin(1, LONG, options=GenerateOptions(retries=0, max_duration=3.0))
    spoken = Spoken(engine, job)
    with pytest.warns(BarkWarning, match="are used up") as told:
        whole = alone(bark, job)
    np.testing.assert_allclose(spoken.audio(1), whole.audio, atol=1e-6)
    assert spoken.warnings[1] == [str(each.message) for each in told]


def test_tokens_are_counted(engine: BarkEngine, bark: Bark) -> None:
    spoken = Spoken(engine, begin(1, "The boat left."))
    assert spoken.ended[1] == LineEnded(
        1, False, len(bark.encode("The boat left.")), len(alone(bark, begin(1, "The boat left.")).tokens.semantic)
    )


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (begin(1, "..."), TextError),
        (begin(1, "Hello.", voice="v2/en_speaker_7"), VoiceError),
        (begin(1, "---\ncast: {A: v2/en_speaker_7}\n---\nA: hello", dialogue=True), VoiceError),
    ],
)
def test_jobs_that_make_no_sense(job: Begin, error: type[Exception], engine: BarkEngine) -> None:
    with pytest.raises(error):
        engine.open(job)
    engine.close(1)
    assert engine.rows == 0


@pytest.mark.parametrize("dialogue", [False, True])
def test_no_file_is_read_for_a_name(dialogue: bool, engine: BarkEngine, tmp_path: Path) -> None:
    path = tmp_path / "voice.npz"
    tiny_voice("secret", 1).save(path)
    text = f"---\ncast: {{A: {path}}}\n---\nA: hello" if dialogue else "hello"
    with pytest.raises(VoiceError, match="there is no voice"):
        engine.open(begin(1, text, voice=None if dialogue else str(path), dialogue=dialogue))


def test_a_voice_of_another_model(engine: BarkEngine, voice: Voice) -> None:
    other = Voice("other", voice.semantic, voice.coarse[:1], voice.fine)
    with pytest.raises(VoiceError):
        engine.open(begin(1, "hello", voice=other))


def test_a_job_that_is_given_up_leaves_its_row(engine: BarkEngine) -> None:
    engine.open(begin(1, LONG))
    engine.turn(1)
    engine.open(begin(2, "It is dawn."))
    engine.turn(2)
    while not any(isinstance(event, Audio) and event.key == 1 for event in engine.step()):
        pass
    engine.close(1)
    engine.close(1)
    assert engine.rows <= 1
    engine.turn(1)  # was on its way
    events = []
    while engine.rows:
        events += list(engine.step())
    assert {event.key for event in events} <= {2}
    assert (engine.free, engine.rows) == (8, 0)


def test_a_fault_inside_is_one_job_s(
    engine: BarkEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    semantic = Request.semantic

    def broken(request: Request, stage: SemanticStage, *more: Any, **told: Any) -> Sequence[int]:
        if request.text == "It is dawn.":
            raise RuntimeError(request.text)
        return semantic(request, stage, *more, **told)

    monkeypatch.setattr(Request, "semantic", broken)
    spoken = Spoken(engine, begin(1, "It is dawn."), begin(2, "Hello there."))
    fault = spoken.ended[1].fault
    assert fault is not None
    assert fault.kind == "EngineError"
    assert spoken.ended[2].fault is None
    assert "It is dawn." not in fault.text + caplog.text.replace('"It is dawn."', "")
    assert "RuntimeError" in caplog.text
    assert engine.rows == 0


def test_models_that_can_t_be_loaded(own_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError):
        BarkEngine(WorkerSettings(str(tmp_path / "nowhere")))
    with pytest.raises(OptionError):
        BarkEngine(WorkerSettings(str(own_checkpoint), "cpu", dtype="float3"))
    (own_checkpoint / "codec.safetensors").unlink()
    with pytest.raises(CheckpointError):
        BarkEngine(WorkerSettings(str(own_checkpoint), "cpu"))


def test_how_many_workers_suit(bark: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    assert suiting_devices(bark.parts, WorkerSettings(cores=4)) == (None,) * 4
    assert suiting_devices(bark.parts, WorkerSettings(cores=4, asked="cpu")) == ("cpu",) * 4
    monkeypatch.setattr("bark.server.engine.SMALL", 0)
    assert suiting_devices(bark.parts, WorkerSettings(cores=4)) == (None,)
    monkeypatch.setattr(bark.parts, "device", torch.device("cuda", 0))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert suiting_devices(bark.parts, WorkerSettings(cores=4)) == ("cuda:0", "cuda:1", "cuda:2")
    assert suiting_devices(bark.parts, WorkerSettings(cores=4, asked="cuda:1")) == ("cuda:1",)
