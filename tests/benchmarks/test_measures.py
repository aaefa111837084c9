"""What figures are made of."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bark.engine import CoarseStage
from bark.evaluation.floor import measure_floor, token_weights, window_flops
from bark.evaluation.machine import this_machine
from bark.evaluation.measures import FIGURES, Workload, coarse_tokens, figure, measures, semantic_tokens
from bark.models.config import SUNO_SMALL, GPTConfig, ModelConfig
from bark.models.gpt import GPT

SHAPE = GPTConfig(n_layer=3, n_head=2, n_embd=8, block_size=16, input_vocab=20, output_vocab=12)


class Clock:
    """Takes known times: 0.5 s and 10 ms a semantic token, 2 s and 5 ms a coarse token, 3 s a fine window."""

    def run(self, task: str, **arguments: Any) -> dict[str, float]:
        tokens = float(coarse_tokens(SUNO_SMALL, arguments.get("semantic", 0)))
        spoken = 4.0 * arguments.get("rows", 1)
        return {
            "semantic": {"seconds": 0.5 + 0.01 * (arguments.get("tokens", 1) - 1)},
            "coarse": {"seconds": 2.0 + 0.005 * (tokens - 1), "tokens": tokens},
            "fine": {"seconds": 3.0},
            "codec": {"seconds": 0.1},
            "speech": {"seconds": 8.0, "duration": spoken, "first": 1.5},
            "batch": {"seconds": 8.0, "duration": spoken},
        }[task]


def test_figures_take_apart_what_calls_took() -> None:
    figures: dict[str, float] = {}
    for measure in measures(SUNO_SMALL, Workload(seconds=2.0, batches=(4,))):
        figures |= measure.take(Clock())
    assert figures == pytest.approx(
        {
            "codec": 0.05,
            "semantic_first": 0.5,
            "semantic_token": 10.0,
            "coarse_first": 2.0,
            "coarse_token": 5.0,
            "coarse_window": (2.0 + 0.005 * 59) / 60 * 1e3,
            "fine_window": 3.0,
            "speech": 2.0,
            "speech_first": 1.5,
            "speech_voice": 2.0,
            "speech_voice_first": 1.5,
            "batch_4": 2.0,
        }
    )
    assert all(figure(name).label for name in figures)
    assert figure("batch_4").more


def test_counts_are_those_of_the_coarse_stage(config: ModelConfig) -> None:
    stage = CoarseStage(GPT(config.coarse), config)
    for count in (1, 7, 20):
        assert coarse_tokens(config, count) == stage.frames(count) * config.tokens.n_coarse
    assert semantic_tokens(SUNO_SMALL, 60) == 20
    assert coarse_tokens(SUNO_SMALL, 20) == 60


def test_a_token_reads_the_layers_and_its_rows_of_the_head() -> None:
    model = GPT(SHAPE)
    layers = sum(parameter.numel() for parameter in model.h.parameters() if parameter.dim() > 1)
    assert token_weights(SHAPE, 5) == layers + 5 * SHAPE.n_embd
    assert window_flops(SHAPE, 1) > 2 * layers


def test_the_floor_is_measured() -> None:
    threads = torch.get_num_threads()
    floor = measure_floor(gib=0.001, repeats=1)
    assert torch.get_num_threads() == threads
    assert floor.bandwidth > 1e6
    assert floor.bandwidth_one_thread
    at_best = floor.stage_figures(SUNO_SMALL)
    assert set(at_best) <= set(FIGURES)
    assert at_best["semantic_token"]["int8"] == pytest.approx(at_best["semantic_token"]["float32"] / 4)
    assert at_best["semantic_token"]["float32"] == pytest.approx(4 * 92_615_424 / floor.bandwidth * 1e3)


def test_the_machine_is_described() -> None:
    machine = this_machine()
    assert machine.processor
    assert machine.cores >= 1
    assert machine.device == "cpu"
    assert machine.torch == torch.__version__
