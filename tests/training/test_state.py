"""Averages, optimizers and their schedule, time and prefetching."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from bark.training.memory import give_back
from bark.training.optimizers import OptimizerConfig, Optimizers
from bark.training.prefetch import prefetch
from bark.training.state import Average
from bark.training.stopping import Every, Stop


class TestAverage:
    def test_follows(self) -> None:
        module = nn.Linear(1, 1, bias=False)
        module.weight.data.fill_(0.0)
        average = Average(module, 0.9)
        expected = 0.0
        for step in range(60):
            module.weight.data.fill_(1.0 + step)
            average.update(step)
            decay = min(0.9, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * (1.0 + step)
        assert float(average.state_dict()["weight"]) == pytest.approx(expected, rel=1e-5)

    def test_swapped_in_and_out(self) -> None:
        module = nn.Linear(1, 1, bias=False)
        module.weight.data.fill_(0.0)
        average = Average(module, 0.5)
        module.weight.data.fill_(1.0)
        with pytest.raises(KeyError), average.swapped_in():
            assert float(module.weight.detach()) == 0.0
            raise KeyError
        assert float(module.weight.detach()) == 1.0
        assert float(average.state_dict()["weight"]) == 0.0

    def test_a_weight_under_two_names_is_averaged_once(self) -> None:
        module = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
        module["b"].weight = module["a"].weight
        average = Average(module, 0.5)
        before = module["a"].weight.detach().clone()
        with torch.no_grad():
            module["a"].weight += 1
        with average.swapped_in():
            assert torch.equal(module["b"].weight.detach(), before)
        assert torch.equal(module["a"].weight.detach(), before + 1)


class Mixed(nn.Module):
    """One parameter of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.tied = nn.Linear(4, 5, bias=False)
        self.tied.weight = self.embedding.weight
        self.linear = nn.Linear(4, 4)
        self.lm_head = nn.Linear(4, 5, bias=False)
        self.norm = nn.LayerNorm(4)
        self.conv = nn.Conv1d(4, 4, 3)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)


class TestOptimizers:
    def test_schedule(self) -> None:
        optimizers = Optimizers(nn.Linear(2, 2), OptimizerConfig(warmup=4, final=0.1), steps=24)
        rates = [optimizers.schedule(step) for step in range(30)]
        assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
        assert rates[4] == 1.0
        assert rates[14] == pytest.approx(0.55)  # half way between peak and end
        assert rates[24] == pytest.approx(0.1)
        assert rates[29] == pytest.approx(0.1)
        assert rates[4:] == sorted(rates[4:], reverse=True)

    def test_no_warmup(self) -> None:
        assert Optimizers(nn.Linear(2, 2), OptimizerConfig(warmup=0), steps=1).schedule(0) == 1.0

    def test_who_gets_what(self) -> None:
        """Muon has the weights of linear layers, but neither heads nor what is shared with an embedding."""
        module = Mixed()
        states = Optimizers(module, OptimizerConfig(), 10).state_dict()
        assert len(states) == 2
        adam, muon = (len(state["param_groups"][0]["params"]) for state in states)
        assert muon == 1
        assert adam == sum(p.requires_grad for p in module.parameters()) - 1

    def test_the_gradient_is_clipped_and_cleared(self) -> None:
        module = nn.LayerNorm(3)
        optimizers = Optimizers(module, OptimizerConfig(lr=0.5, warmup=0, clip=1.0), 10)
        module.weight.grad = torch.full((3,), 100.0)
        module.bias.grad = torch.zeros(3)
        assert float(optimizers.step(0)) == pytest.approx(100 * 3**0.5)
        assert module.weight.grad is None
        assert torch.allclose(module.weight.detach(), torch.full((3,), 0.5), atol=1e-3)  # Adam's first step is lr

    def test_all_by_adam(self) -> None:
        (adam,) = Optimizers(nn.Linear(2, 2), OptimizerConfig(matrix_lr=0), 10).state_dict()
        assert len(adam["param_groups"][0]["params"]) == 2


class TestPrefetch:
    def test_order(self) -> None:
        assert list(prefetch(iter(range(50)), depth=3)) == list(range(50))
        assert list(prefetch(iter([None, 1]))) == [None, 1]

    def test_error_after_what_came_before(self) -> None:
        def items() -> Iterator[int]:
            yield 1
            raise ZeroDivisionError

        got = prefetch(items())
        assert next(got) == 1
        with pytest.raises(ZeroDivisionError):
            next(got)

    def test_no_further_than_asked(self) -> None:
        made: list[int] = []

        def items() -> Iterator[int]:
            for i in range(100):
                made.append(i)
                yield i

        got = prefetch(items(), depth=2)
        assert next(got) == 0
        time.sleep(0.05)
        assert len(made) <= 4
        threads = threading.active_count()
        got.close()  # type: ignore[attr-defined]
        assert threading.active_count() == threads - 1


class TestStop:
    def test_not_asked(self) -> None:
        with Stop() as stop:
            assert not stop.asked
        stop.obey()

    def test_time(self) -> None:
        with Stop(minutes=1e-9) as stop:
            time.sleep(1e-3)
            assert stop.asked
        stop.obey()

    def test_in_a_thread_signals_stay(self) -> None:
        found: list[bool] = []

        def work() -> None:
            with Stop() as stop:
                found.append(stop.asked)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert found == [False]

    def test_every(self) -> None:
        every = Every(0.01 / 60)
        assert not every.due()
        time.sleep(0.02)
        assert every.due()
        assert not every.due()


def test_memory_can_be_given_back() -> None:
    """It changes nothing but what the system counts."""
    kept = torch.arange(1000)
    give_back()
    assert int(kept.sum()) == 499_500


def test_batches_depend_on_the_step_alone() -> None:
    """What `Trainer` counts on: a generator of seed, step and rank."""
    a, b = (np.random.default_rng([0, 3, 0]).random(3) for _ in range(2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, np.random.default_rng([0, 4, 0]).random(3))
