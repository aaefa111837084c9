"""The scheduler with a model: what comes out of a worker's process is what `Bark` says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.server.jobs import FloatArray, Job, SchedulerSettings, Speech
from bark.server.scheduler import Scheduler
from tests.server.fake_workers import heard, run, until

LONG = "Good morning.\n\nThe boat left.\n\nIt is dawn."
SCRIPT = "---\ncast: {BEN: v2/en_speaker_1}\n---\nBEN: Good morning.\nANN: The boat left."
VOICE = "v2/en_speaker_0"


@pytest.mark.parametrize("model", ["checkpoint", pytest.param("bundled", marks=pytest.mark.slow)])
def test_jobs_are_as_alone(model: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(model)
    bark = Bark(folder, device="cpu")
    jobs = [
        Job("Good morning.", VOICE, options(bark, 1)),
        Job(LONG, VOICE, options(bark, 2)),
        Job(SCRIPT, options=options(bark, 3), dialogue=True),
    ]
    alone = [
        bark.generate("Good morning.", VOICE, options=options(bark, 1)),
        bark.generate(LONG, VOICE, options=options(bark, 2)),
        bark.dialogue(SCRIPT, options=options(bark, 3)),
    ]
    assert len(alone[1].utterances) >= 3
    for (speech, audio), whole in zip(run(spoken(folder, jobs)), alone, strict=True):
        np.testing.assert_allclose(audio, whole.audio, atol=1e-6)
        assert speech.seed == whole.seed
        assert speech.audio_tokens == len(whole.tokens.semantic)
        assert speech.text_tokens == sum(len(bark.encode(each.text)) for each in whole.utterances)


def options(bark: Bark, seed: int) -> GenerateOptions:
    return replace(bark.config.generation, seed=seed)


async def spoken(folder: Path, jobs: list[Job]) -> list[tuple[Speech, FloatArray]]:
    """All of them at a time, by one process."""
    scheduler = Scheduler(SchedulerSettings(model=str(folder), device="cpu", workers=1, threads=1, load_wait=60))
    await scheduler.start()
    speeches = [await scheduler.submit(job) for job in jobs]
    audio = await asyncio.gather(*map(heard, speeches))
    await until(lambda: scheduler.snapshot().rows == 0)
    assert scheduler.snapshot().ended == {"done": 3}
    await scheduler.drain(5)
    return list(zip(speeches, audio, strict=True))
