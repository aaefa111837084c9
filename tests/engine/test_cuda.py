"""On a CUDA GPU: what is replayed is what is done as it is, a row in company is the row alone, float32 is as on a CPU.

`benchmarks/device.sh` runs these on a machine that has one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import CoarseStage, SemanticStage
from bark.engine.blocks import BlockWriter
from bark.engine.sequence import alone, together, written
from bark.engine.steps import StepWriter
from bark.engine.workspace import Workspace, workspace
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.settings import Settings
from tests.engine.rows import codes, flat, utterance

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")]
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32 that is float32."""
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


@pytest.fixture(scope="module", params=["semantic", "coarse"])
def stage(request: pytest.FixtureRequest, pup: ModelConfig, make_lively: Any) -> SemanticStage | CoarseStage:
    if request.param == "semantic":
        return SemanticStage(make_lively(GPT(pup.semantic), 5).float().to(CUDA), pup)
    return CoarseStage(make_lively(GPT(pup.coarse), 6).float().to(CUDA), pup)


def make(stage: Any, n: int) -> Any:
    return utterance(stage, n) if isinstance(stage, SemanticStage) else codes(stage, n)


def said(stage: Any, numbers: range, own: Workspace) -> list[list[Any]]:
    found = flat(written(BlockWriter(stage.model, own), ((n, make(stage, n)) for n in numbers)))
    return [found.get(n, []) for n in numbers]


@pytest.mark.parametrize("slots", [1, 3, 8])
def test_replayed_is_as_it_is(stage: Any, slots: int) -> None:
    replayed = Workspace(stage.model, stage.capacity, slots)
    plain = Workspace(stage.model, stage.capacity, slots, graphs=False)
    for _ in range(2):
        assert said(stage, range(14), replayed) == said(stage, range(14), plain)
    assert len(replayed.graphs) > 0 and replayed.graphs.wanted
    assert len(plain.graphs) == 0


@pytest.mark.parametrize("slots", [3, 8])
def test_a_row_is_as_alone(stage: Any, slots: int) -> None:
    one, many = (Workspace(stage.model, stage.capacity, rows) for rows in (1, slots))
    alone = [said(stage, range(n, n + 1), one)[0] for n in range(14)]
    assert said(stage, range(14), many) == alone


def test_the_likeliest_are_those_of_a_cpu(pup: ModelConfig, make_lively: Any) -> None:
    there, here = (SemanticStage(make_lively(GPT(pup.semantic), 5).float().to(device), pup) for device in (CUDA, "cpu"))
    for n in range(0, 28, 7):  # those of `utterance` that are greedy
        found = said(there, range(n, n + 1), Workspace(there.model, there.capacity, 1))
        assert found == [flat(written(StepWriter(here.model, here.capacity, 1), [(0, utterance(here, n))])).get(0, [])]


def test_doors_replay(stage: Any) -> None:
    with workspace(stage.model, stage.capacity, 1) as own:
        pass
    for _ in range(2):
        first = flat((0, item) for item in alone(stage.model, stage.capacity, make(stage, 1)))
        assert first == flat(together(stage.model, stage.capacity, [(0, make(stage, 1))]))
    with workspace(stage.model, stage.capacity, 1) as again:
        assert again is own and len(own.graphs) > 0


def test_in_bfloat16(stage: Any, pup: ModelConfig) -> None:
    half = type(stage)(deepcopy(stage.model).bfloat16(), pup)
    own = Workspace(half.model, half.capacity, 4)
    tokens = said(half, range(8), own)
    assert tokens == said(half, range(8), own)
    assert own.graphs.wanted and len(own.graphs) > 0


@pytest.fixture
def speak(checkpoint: Any) -> Callable[..., Any]:
    def speak(device: str, dtype: str, graphs: bool = True, **more: Any) -> Any:
        bark = Bark(checkpoint, device, dtype, settings=Settings(cuda_graphs=graphs), **more)
        return bark.generate("Hello.", "v2/en_speaker_0", options=GenerateOptions(seed=1, max_duration=1.5))

    return speak


def test_speech(speak: Callable[..., Any]) -> None:
    """With and without recordings, and with models that are on the GPU only while they work."""
    made = [speak("cuda", "float32"), speak("cuda", "float32", graphs=False), speak("cuda", "float32", offload=True)]
    for other in made[1:]:
        np.testing.assert_array_equal(other.tokens.coarse, made[0].tokens.coarse)
    assert speak("cuda", "bfloat16").duration > 0


def test_a_batch(checkpoint: Any) -> None:
    bark = Bark(checkpoint, "cuda", "float32")
    options = GenerateOptions(max_duration=1.0)
    texts = ["Hello.", "The boat left.", "I like pizza."]
    for made, text, seed in zip(bark.generate_batch(texts, seed=3, options=options), texts, (3, 4, 5), strict=True):
        alone = bark.generate(text, seed=seed, options=options)
        np.testing.assert_array_equal(made.tokens.coarse, alone.tokens.coarse)
