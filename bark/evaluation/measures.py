"""What is measured of a Bark, whoever computes it: calls of its stages with fixed numbers of tokens.

A measure asks a runner for some calls and makes figures of how long they took. The runner may be a model in this
process (`bark.evaluation.speed`) or another implementation in a process of its own (`benchmarks`). Tasks:

    semantic(tokens)             so many tokens after a text               seconds
    coarse(semantic, voice)      codes of so many semantic tokens          seconds, tokens
    fine(frames, voice)          all codebooks of so many frames           seconds
    codec(frames)                the audio of so many frames               seconds
    speech(tokens, voice)        the whole way                             seconds, duration, first
    batch(tokens, rows)          the whole way, for several texts at once  seconds, duration (of all rows)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bark.errors import BarkError
from bark.models.config import ModelConfig

Result = Mapping[str, float]


class NotMeasuredError(BarkError):
    """A runner can't do a task; the text says why."""


class Runner(Protocol):
    """Does tasks, and tells how long they took."""

    def run(self, task: str, **arguments: Any) -> Result:
        """Seconds, and what else the task tells; raises NotMeasuredError where it can't."""


@dataclass(frozen=True)
class Figure:
    """How a figure is shown.

    Attributes:
        label: of its row.
        unit: short.
        more: True where more is better.
    """

    label: str
    unit: str
    more: bool = False


@dataclass(frozen=True)
class Workload:
    """How much is done for a figure. More takes longer and tells it more exactly.

    Attributes:
        text: ids that are spoken.
        semantic: semantic tokens that decoding is timed over, at least 2.
        seconds: of a whole utterance, and of what the codec decodes alone.
        batches: numbers of rows of whole utterances at once.
    """

    text: int = 24
    semantic: int = 64
    seconds: float = 2.0
    batches: Sequence[int] = ()


@dataclass(frozen=True)
class Call:
    """A task and its arguments."""

    task: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """Calls, and what their results tell.

    Attributes:
        name: of the measure.
        calls: that are made, one right after the other, so that they share their circumstances.
        read: figures by name, from the calls' results.
    """

    name: str
    calls: tuple[Call, ...]
    read: Callable[[Sequence[Result]], dict[str, float]]

    def take(self, runner: Runner) -> dict[str, float]:
        """Figures by name."""
        return self.read([runner.run(call.task, **call.arguments) for call in self.calls])


FIGURES: dict[str, Figure] = {
    "semantic_first": Figure("semantic, first token", "s"),
    "semantic_token": Figure("semantic, each token after it", "ms"),
    "coarse_first": Figure("coarse, reading a full window", "s"),
    "coarse_token": Figure("coarse, each token after it", "ms"),
    "coarse_window": Figure("coarse, a token of a full window with its reading", "ms"),
    "fine_window": Figure("fine, a full window", "s"),
    "codec": Figure("codec, a second of audio", "s"),
    "speech": Figure("speech without a voice, a second of audio", "s"),
    "speech_first": Figure("speech without a voice, first audio after", "s"),
    "speech_voice": Figure("speech with a voice, a second of audio", "s"),
    "speech_voice_first": Figure("speech with a voice, first audio after", "s"),
    "import": Figure("import", "s"),
    "load": Figure("load", "s"),
    "memory": Figure("peak memory", "GiB"),
    "gpu_memory": Figure("peak memory of the GPU", "GiB"),
}


def figure(name: str) -> Figure:
    """How a figure is shown; `batch_8` is that of eight rows."""
    if name.startswith("batch_"):
        return Figure(f"speech, {name.removeprefix('batch_')} at once: audio made in a second", "s", more=True)
    return FIGURES[name]


def measures(config: ModelConfig, workload: Workload) -> list[Measure]:
    """All measures of a model, the short ones first."""
    tokens = round(workload.seconds * config.tokens.semantic_rate)
    return [
        _codec(round(workload.seconds * config.tokens.frame_rate), config),
        _semantic(min(workload.semantic, config.semantic_layout.max_steps)),
        _coarse(config),
        _fine(config),
        _speech("speech", tokens, voice=False),
        _speech("speech_voice", tokens, voice=True),
        *(_batch(rows, tokens) for rows in workload.batches),
    ]


def coarse_tokens(config: ModelConfig, n_semantic: int) -> int:
    """Coarse tokens that so many semantic tokens become."""
    space = config.tokens
    return math.floor(n_semantic * space.coarse_per_semantic / space.n_coarse) * space.n_coarse


def semantic_tokens(config: ModelConfig, n_coarse_tokens: int) -> int:
    """The fewest semantic tokens that become as many coarse tokens, or more."""
    count = 1
    while coarse_tokens(config, count) < n_coarse_tokens:
        count += 1
    return count


def _semantic(tokens: int) -> Measure:
    def read(results: Sequence[Result]) -> dict[str, float]:
        first, all_of_them = (result["seconds"] for result in results)
        return {"semantic_first": first, "semantic_token": (all_of_them - first) / (tokens - 1) * 1e3}

    return Measure("semantic", (Call("semantic", {"tokens": 1}), Call("semantic", {"tokens": tokens})), read)


def _coarse(config: ModelConfig) -> Measure:
    """The voice fills the window, as it is for all of an utterance but its beginning."""

    def read(results: Sequence[Result]) -> dict[str, float]:
        few, window = results
        token = (window["seconds"] - few["seconds"]) / (window["tokens"] - few["tokens"])
        return {
            "coarse_first": few["seconds"] - (few["tokens"] - 1) * token,
            "coarse_token": token * 1e3,
            "coarse_window": window["seconds"] / window["tokens"] * 1e3,
        }

    counts = [semantic_tokens(config, tokens) for tokens in (1, config.coarse_layout.stride_of(0))]
    return Measure("coarse", tuple(Call("coarse", {"semantic": count, "voice": True}) for count in counts), read)


def _fine(config: ModelConfig) -> Measure:
    call = Call("fine", {"frames": config.fine_layout.window, "voice": False})
    return Measure("fine", (call,), lambda results: {"fine_window": results[0]["seconds"]})


def _codec(frames: int, config: ModelConfig) -> Measure:
    def read(results: Sequence[Result]) -> dict[str, float]:
        return {"codec": results[0]["seconds"] * config.tokens.frame_rate / frames}

    return Measure("codec", (Call("codec", {"frames": frames}),), read)


def _speech(name: str, tokens: int, voice: bool) -> Measure:
    def read(results: Sequence[Result]) -> dict[str, float]:
        (said,) = results
        return {name: said["seconds"] / said["duration"], f"{name}_first": said["first"]}

    return Measure(name, (Call("speech", {"tokens": tokens, "voice": voice}),), read)


def _batch(rows: int, tokens: int) -> Measure:
    return Measure(
        f"batch_{rows}",
        (Call("batch", {"tokens": tokens, "rows": rows}),),
        lambda results: {f"batch_{rows}": results[0]["duration"] / results[0]["seconds"]},
    )
