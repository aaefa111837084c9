"""How fast a model of this package is: its stages, one by one and all together, with fixed numbers of tokens.

What is said makes no sense: ids and the voice are numbers in a row, no stage ends by itself, and the time of a token
doesn't depend on which one it is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bark.engine import SemanticStage
from bark.engine.gaze import Gaze
from bark.engine.sequence import Sequence, alone
from bark.evaluation.floor import Floor, measure_floor, wait_for
from bark.evaluation.machine import Machine, load_average, this_machine
from bark.evaluation.measures import FIGURES, Workload, measures
from bark.evaluation.memory import peak_memory
from bark.flow import together
from bark.models.config import ModelConfig
from bark.record import Record
from bark.request import Request
from bark.speaking import Speaking, with_own_takes
from bark.tokens import IntArray
from bark.voices import Voice

if TYPE_CHECKING:
    from bark.pipeline import Bark

GIB = 2**30
Progress = Callable[[str, int, int], None]  # measure, rounds done, of how many


@dataclass(frozen=True)
class Speed:
    """What `measure_speed` found.

    Attributes:
        model: its name, device and precision.
        figures: medians by name; see `bark.evaluation.measures.FIGURES`.
        stages: share of the time that each stage takes of an utterance with a voice.
        floors: of some figures, by name and precision; see `Floor.stage_figures`.
        precision: of the weights.
    """

    model: str
    precision: str
    figures: Mapping[str, float]
    stages: Mapping[str, float]
    floors: Mapping[str, Mapping[str, float]]
    floor: Floor
    machine: Machine
    load: list[float]
    workload: Workload

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Endless(Request):
    """A request that ends with its `max_duration` and not before."""

    def semantic(
        self, stage: SemanticStage, take: int = 0, *, nats: list[float] | None = None, gaze: Gaze | None = None
    ) -> Sequence[int]:
        """The first stage's part, not begun."""
        return stage.sequence(
            np.array(self.ids),
            self.reading,
            options=self.options.semantic,
            max_duration=self.options.max_duration,
            stop_at_eos=False,
            generator=self.generator("semantic", stage.model.device),
        )


class StageRunner:
    """Does the tasks of `bark.evaluation.measures` with a model.

    Args:
        bark: the model; its parts are loaded when they are first needed.
        text: ids that are spoken.
    """

    def __init__(self, bark: Bark, text: int = 24) -> None:
        self.bark = bark
        self.tokens = bark.config.tokens
        self.text = row(text, self.tokens.text_pad - self.tokens.text_offset)
        self.voice = long_voice(bark.config)

    def run(self, task: str, **arguments: Any) -> dict[str, float]:
        """Seconds, and what else the task tells; see `bark.evaluation.measures.Runner`."""
        tasks = {name: getattr(self, name) for name in ("semantic", "coarse", "fine", "codec", "speech", "batch")}
        result: dict[str, float] = tasks[task](**arguments)
        return result

    def semantic(self, tokens: int) -> dict[str, float]:
        """Decodes so many tokens."""
        with self.bark.parts.semantic() as stage:
            sequence = self._request(tokens, voice=False).semantic(stage)
            return {"seconds": self._time(lambda: list(alone(stage.model, stage.capacity, sequence)))}

    def coarse(self, semantic: int, voice: bool) -> dict[str, float]:
        """Codes of so many semantic tokens, `voice` says whether after a history."""
        pieces: list[IntArray] = []
        with self.bark.parts.coarse() as stage:
            sequence = self._request(1, voice).coarse(stage, row(semantic, self.tokens.semantic_vocab).tolist())
            seconds = self._time(lambda: pieces.extend(alone(stage.model, stage.capacity, sequence)))
        return {"seconds": seconds, "tokens": float(sum(piece.size for piece in pieces))}

    def fine(self, frames: int, voice: bool) -> dict[str, float]:
        """All codebooks of so many frames."""
        codes, history = self._codes(self.tokens.n_coarse, frames), self.voice.fine if voice else None
        with self.bark.parts.fine() as stage:
            pieces = stage.generate(codes, history, options=self.bark.config.generation.fine)
            return {"seconds": self._time(lambda: list(pieces))}

    def codec(self, frames: int) -> dict[str, float]:
        """The audio of so many frames, at once."""
        codes = torch.tensor(self._codes(self.tokens.n_codebooks, frames), device=self.bark.parts.codec_device)
        with self.bark.parts.codec() as codec, torch.inference_mode():
            return {"seconds": self._time(lambda: codec.decode(codes[None]))}

    def speech(self, tokens: int, voice: bool) -> dict[str, float]:
        """The whole way, streamed, with as many takes as the model makes; and the seconds of each stage."""
        record = Record()
        started, first, samples = time.perf_counter(), 0.0, 0
        for piece in Speaking(self.bark.parts).take(self._request(tokens, voice), record).pieces:
            samples += len(piece)
            if samples and not first:
                first = time.perf_counter() - started
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "duration": samples / self.tokens.sample_rate, "first": first, **record.timings}

    def batch(self, tokens: int, rows: int) -> dict[str, float]:
        """Several utterances without a voice, all at once."""
        started = time.perf_counter()
        requests = (self._request(tokens, voice=False, seed=seed) for seed in range(rows))
        spoken = list(together(Speaking(self.bark.parts), requests, rows))
        seconds = time.perf_counter() - started
        samples = sum(len(piece) for take in spoken for piece in take.pieces)
        return {"seconds": seconds, "duration": samples / self.tokens.sample_rate}

    def _request(self, tokens: int, voice: bool, seed: int = 0) -> Endless:
        seconds = (tokens - 0.5) / self.tokens.semantic_rate  # the token that exceeds it is the last
        options = self.bark.config.generation.with_changes(max_duration=seconds, retries=0)
        options = with_own_takes(options, self.bark.config, "Hello.", None)
        return Endless("", self.text.tolist(), self.voice if voice else None, options, seed)

    def _codes(self, rows: int, frames: int) -> IntArray:
        return np.resize(row(frames, self.tokens.codebook_size), (rows, frames))

    def _time(self, work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        wait_for(self.bark.device)
        return time.perf_counter() - started


def row(length: int, vocab: int) -> IntArray:
    """Numbers [length] below `vocab`, each at least a few steps from the next."""
    return np.arange(length, dtype=np.int64) * 37 % vocab


def long_voice(config: ModelConfig) -> Voice:
    """A voice that fills every stage's history, and a second more."""
    space = config.tokens
    seconds = 1 + max(
        config.semantic_layout.history_length / space.semantic_rate,
        config.coarse_layout.max_history / space.n_coarse / space.frame_rate,
        config.fine_layout.max_history / space.frame_rate,
    )
    frames = round(seconds * space.frame_rate)
    fine = np.resize(row(frames * space.n_codebooks, space.codebook_size), (space.n_codebooks, frames))
    semantic = row(round(seconds * space.semantic_rate), space.semantic_vocab)
    return Voice("bench", semantic, fine[: space.n_coarse], fine)


def measure_speed(
    bark: Bark, workload: Workload, rounds: int = 3, gib: float = 0.5, progress: Progress | None = None
) -> Speed:
    """Measures a model; everything is done once before it counts.

    Args:
        bark: the model; if its parts aren't loaded, loading them is measured too.
        workload: how much to do.
        rounds: how often each measure is taken; its median counts.
        gib: of the buffer that the machine's bandwidth is measured with.
        progress: called after each round.
    """
    started = time.perf_counter()
    bark.parts.load()
    figures = {"load": time.perf_counter() - started}
    runner = StageRunner(bark, workload.text)
    for measure in measures(bark.config, workload):
        taken = [measure.take(runner)]
        for done in range(1, rounds + 1):
            taken.append(measure.take(runner))
            if progress:
                progress(measure.name, done, rounds)
        figures |= {name: statistics.median(values[name] for values in taken[1:]) for name in taken[0]}
    tokens = round(workload.seconds * bark.config.tokens.semantic_rate)
    stages = _shares(runner.speech(tokens, voice=True))
    figures |= memory_figures(bark.device)  # before the floor is measured, whose buffer would count
    floor = measure_floor(bark.device, gib=gib)
    ordered = {name: figures[name] for name in FIGURES if name in figures}
    return Speed(
        model=repr(bark),
        precision=bark.quantize or str(bark.dtype).removeprefix("torch."),
        figures=ordered | figures,
        stages=stages,
        floors=floor.stage_figures(bark.config),
        floor=floor,
        machine=this_machine(bark.device),
        load=load_average(),
        workload=workload,
    )


def memory_figures(device: torch.device) -> dict[str, float]:
    """Peak memory of this process, and of the GPU it has used, GiB."""
    figures = {"memory": peak_memory() / GIB}
    if device.type == "cuda":
        figures["gpu_memory"] = torch.cuda.max_memory_allocated(device) / GIB
    return figures


def _shares(said: Mapping[str, float]) -> dict[str, float]:
    seconds = {name: said[name] for name in ("semantic", "coarse", "fine", "codec")}
    return {name: value / sum(seconds.values()) for name, value in seconds.items()}
