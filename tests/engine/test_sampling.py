"""Every filter leaves the distribution that it says; draws follow it; seeds mean what they say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from bark.engine.sampling import (
    MinEos,
    Sampler,
    Temperature,
    TopK,
    TopP,
    draw,
    logit_filters,
    pick_each,
    stage_generator,
)
from bark.errors import OptionError
from bark.options import SamplingOptions

CPU = torch.device("cpu")
PROBABILITIES = torch.tensor([0.05, 0.4, 0.15, 0.3, 0.1])
LOGITS = PROBABILITIES.log() + 3
DRAWS = 40_000

rows = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-20, 20, width=32)).map(torch.from_numpy)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picked(logits: Tensor) -> list[int]:
    return logits.isfinite().nonzero().flatten().tolist()


def frequencies(options: SamplingOptions, logits: Tensor = LOGITS, seed: int = 0) -> Tensor:
    tokens = Sampler(options, seeded(seed), CPU)(logits.expand(DRAWS, -1))
    return torch.bincount(tokens, minlength=logits.shape[-1]) / DRAWS


def expected(temperature: float = 1.0, only: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Tensor:
    kept = torch.zeros(5)
    kept[list(only)] = PROBABILITIES[list(only)] ** (1 / temperature)
    return kept / kept.sum()


class TestDistributions:
    @pytest.mark.parametrize(
        ("options", "probabilities"),
        [
            (SamplingOptions(temperature=1.0), expected()),
            (SamplingOptions(temperature=0.5), expected(0.5)),
            (SamplingOptions(temperature=2.0), expected(2.0)),
            (SamplingOptions(temperature=1.0, top_k=2), expected(only=(1, 3))),
            (SamplingOptions(temperature=1.0, top_p=0.75), expected(only=(1, 2, 3))),
            (SamplingOptions(temperature=0.7, top_k=4, top_p=0.96), expected(0.7, only=(1, 2, 3, 4))),
            (SamplingOptions(temperature=0.7, top_k=1), expected(only=(1,))),
        ],
    )
    def test_chi_square(self, options: SamplingOptions, probabilities: Tensor) -> None:
        seen = frequencies(options)
        possible = probabilities > 0
        assert seen[~possible].sum() == 0
        chi_square = DRAWS * ((seen - probabilities)[possible] ** 2 / probabilities[possible]).sum()
        assert chi_square < 18.5  # p = 0.001 at four degrees of freedom

    def test_a_draw_is_that_of_multinomial(self) -> None:
        probabilities = torch.rand(1000, generator=seeded()).softmax(-1)
        ours, theirs = seeded(7), seeded(7)
        for _ in range(20):
            assert draw(probabilities, ours) == torch.multinomial(probabilities, 1, generator=theirs)[0]

    def test_so_are_many_from_torchs_own_generator(self) -> None:
        probabilities = torch.rand(30, 1000, generator=seeded()).softmax(-1)
        with torch.random.fork_rng([]):
            torch.manual_seed(7)
            ours = draw(probabilities, torch.default_generator)
            torch.manual_seed(7)
            assert ours.equal(torch.multinomial(probabilities, 1)[:, 0])

    def test_of_many_each_row_has_a_number_of_its_own(self) -> None:
        drawn = draw(torch.full((2000, 1000), 0.001), seeded())
        assert drawn.min() < 10 and drawn.max() > 990 and len(drawn.unique()) > 800

    def test_what_cannot_be_picked_never_is(self) -> None:
        probabilities = torch.zeros(2000, 1001)
        probabilities[:, 500] = 1
        assert set(draw(probabilities, seeded()).tolist()) == {500}

    @pytest.mark.parametrize("temperature", [None, 0, 0.0])
    def test_greedy(self, temperature: float | None) -> None:
        assert Sampler(SamplingOptions(temperature), None, CPU)(LOGITS) == 1

    def test_half_precision_is_sampled_in_single(self) -> None:
        logits = torch.full((10_001,), -8.0, dtype=torch.bfloat16)
        tokens = [int(Sampler(SamplingOptions(1.0), seeded(i), CPU)(logits)) for i in range(20)]
        assert len(set(tokens)) == 20


class TestTopK:
    def test_ties_do_not_add_tokens(self) -> None:
        assert len(picked(TopK(2)(torch.tensor([1.0, 2.0, 2.0, 2.0, 0.0])))) == 2
        assert len(picked(TopK(3)(torch.zeros(10)))) == 3

    @given(rows, st.integers(1, 50))
    def test_keeps_k_of_the_likeliest(self, logits: Tensor, k: int) -> None:
        kept = TopK(k)(logits)
        assert len(picked(kept)) == min(k, len(logits))
        assert kept[picked(kept)].sort().values.equal(logits.sort().values[-k:])

    def test_rows_apart(self) -> None:
        kept = TopK(1)(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
        assert kept.argmax(-1).tolist() == [1, 0]
        assert kept.isfinite().sum(-1).tolist() == [1, 1]


class TestTopP:
    @pytest.mark.parametrize(
        ("p", "kept"),
        [
            (0.01, [1]),
            (0.39, [1]),
            (0.41, [1, 3]),
            (0.69, [1, 3]),
            (0.71, [1, 2, 3]),
            (0.96, [0, 1, 2, 3, 4]),
            (1.0, [0, 1, 2, 3, 4]),
        ],
    )
    def test_the_token_that_crosses_is_kept(self, p: float, kept: list[int]) -> None:
        assert picked(TopP(p)(LOGITS)) == kept

    @given(rows, st.floats(0.01, 1.0))
    def test_is_the_original_nucleus(self, logits: Tensor, p: float) -> None:
        order = np.argsort(-logits.numpy(), kind="stable")
        mass = np.cumsum(np.exp(logits.numpy()[order].astype(float)) / np.exp(logits.numpy().astype(float)).sum())
        edges = np.abs(mass - p) < 1e-5  # too close to call between two ways to add up
        count = len(picked(TopP(p)(logits)))
        assert count >= 1
        if not edges.any():
            assert count == min(len(mass), int((mass <= p).sum()) + 1)

    def test_is_measured_before_the_temperature(self) -> None:
        filters = logit_filters(SamplingOptions(temperature=0.1, top_k=3, top_p=0.9))
        assert filters == [TopP(0.9), TopK(3), Temperature(0.1)]

    def test_leaves_its_input(self) -> None:
        before = LOGITS.clone()
        TopP(0.5)(LOGITS), TopK(1)(LOGITS)
        assert LOGITS.equal(before)


class TestMinEos:
    def test_ends_at_its_probability(self) -> None:
        tokens, probabilities = torch.arange(5), LOGITS.softmax(-1).expand(5, -1)
        assert MinEos(4, 0.0999)(tokens, probabilities).tolist() == [4] * 5
        assert MinEos(4, 0.1001)(tokens, probabilities).tolist() == [0, 1, 2, 3, 4]

    def test_is_measured_after_the_temperature(self) -> None:
        cold = Sampler(SamplingOptions(temperature=0.2), seeded(), CPU, MinEos(4, 0.09))
        hot = Sampler(SamplingOptions(temperature=1.0), seeded(), CPU, MinEos(4, 0.09))
        assert cold(LOGITS.expand(500, -1)).ne(4).any()
        assert hot(LOGITS.expand(500, -1)).eq(4).all()

    def test_greedy_ends_too(self) -> None:
        assert Sampler(SamplingOptions(temperature=None), None, CPU, MinEos(4, 0.09))(LOGITS) == 4


class TestRepetition:
    def run(self, count: int = 400, **settings: float) -> list[int]:
        sampler = Sampler(SamplingOptions(**settings), seeded(), CPU)  # type: ignore[arg-type]
        return [int(sampler(LOGITS)) for _ in range(count)]

    def test_breaks_a_loop(self) -> None:
        stuck = self.run(temperature=1.0, top_k=1)
        freed = self.run(temperature=1.0, top_k=1, repetition_window=10, repetition_ratio=0.3)
        assert set(stuck) == {1}
        assert set(freed) == {0, 1, 2, 3, 4}
        assert freed[:4] == [1, 1, 1, 1]  # three of ten are not more than 0.3, four are

    def test_is_inert_while_nothing_repeats(self) -> None:
        tokens = self.run(temperature=1.0, top_k=2, repetition_window=4, repetition_ratio=1.0)
        assert set(tokens) == {1, 3}

    def test_redraws_from_the_whole_tempered_distribution(self) -> None:
        tokens = self.run(8000, temperature=0.5, top_k=1, repetition_window=1, repetition_ratio=0.0)
        after_a_one = [b for a, b in pairwise(tokens) if a == 1]
        seen = torch.bincount(torch.tensor(after_a_one), minlength=5) / len(after_a_one)
        assert (seen - expected(0.5)).abs().max() < 0.03

    def test_is_refused_for_many_positions(self) -> None:
        with pytest.raises(OptionError, match="one after another"):
            Sampler(SamplingOptions(repetition_window=3), None, CPU)(LOGITS.expand(2, -1))


class TestEach:
    """Several samplers at once pick what each picks alone, and draw no more and no less for it."""

    WARM = SamplingOptions(temperature=0.7, top_k=20, top_p=0.9)
    COLD = SamplingOptions(temperature=0)
    VARIED = SamplingOptions(temperature=0.7, repetition_window=8, repetition_ratio=0.2)

    @pytest.mark.parametrize(
        "options",
        [
            [WARM],
            [WARM] * 5,
            [COLD] * 3,
            [WARM, COLD],
            [WARM, SamplingOptions(temperature=0.8)],
            [VARIED, WARM, VARIED],
        ],
    )
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_is_as_alone(self, options: list[SamplingOptions], dtype: torch.dtype) -> None:
        def samplers(nats: list[list[float]]) -> list[Sampler]:
            return [
                Sampler(some, seeded(n), CPU, MinEos(40, 0.3), turns=2, nats=nats[n]) for n, some in enumerate(options)
            ]

        one_by_one: list[list[float]] = [[] for _ in options]
        at_once: list[list[float]] = [[] for _ in options]
        alone, together, ended = samplers(one_by_one), samplers(at_once), 0
        for step in range(60):
            logits = (torch.randn(len(options), 41, generator=seeded(step)) * 3).to(dtype)
            tokens = [int(sampler(row, step % 2)) for sampler, row in zip(alone, logits, strict=True)]
            assert [int(token) for token in pick_each(together, logits, step % 2)] == tokens
            ended += tokens.count(40)
        assert one_by_one == at_once and all(len(nats) == 60 for nats in one_by_one)
        assert 0 < ended < 60 * len(options)


class TestSeeds:
    def draws(self, seed: int, stage: str) -> list[float]:
        return torch.rand(4, generator=stage_generator(seed, stage)).tolist()

    def test_same_same_other_other(self) -> None:
        assert self.draws(1, "semantic") == self.draws(1, "semantic")
        assert len({tuple(self.draws(seed, stage)) for seed in range(20) for stage in ("semantic", "coarse")}) == 40

    @given(st.integers(0, 2**63 - 1))
    def test_every_seed_is_taken(self, seed: int) -> None:
        assert self.draws(seed, "fine") != self.draws(seed, "coarse")

    def test_other_processes_draw_the_same(self) -> None:
        assert stage_generator(42, "coarse").initial_seed() == 17848474810254818457

    def test_without_a_generator_draws_differ(self) -> None:
        logits = torch.zeros(10_000)
        assert len({int(Sampler(SamplingOptions(1.0), None, CPU)(logits)) for _ in range(10)}) > 1

    def test_stages_do_not_share_the_global_state(self) -> None:
        state = torch.get_rng_state()
        Sampler(SamplingOptions(1.0), seeded(), CPU)(LOGITS)
        assert torch.get_rng_state().equal(state)


@settings(max_examples=50)
@example(LOGITS, 5e-324, None, None)
@given(
    logits=rows,
    temperature=st.one_of(st.none(), st.floats(0, 5)),
    top_k=st.one_of(st.none(), st.integers(1, 60)),
    top_p=st.one_of(st.none(), st.floats(0.001, 1)),
)
def test_any_options_pick_a_token_that_is_left(
    logits: Tensor, temperature: float | None, top_k: int | None, top_p: float | None
) -> None:
    options = SamplingOptions(temperature, top_k, top_p)
    token = int(Sampler(options, seeded(), CPU)(logits))
    filtered = logits
    for logit_filter in logit_filters(options):
        filtered = logit_filter(filtered)
    assert 0 <= token < len(logits)
    assert filtered[token] > float("-inf")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": -1}, "temperature must be"),
        ({"temperature": float("nan")}, "temperature must be"),
        ({"top_k": 0}, "top_k must be"),
        ({"top_k": 1.5}, "top_k must be"),
        ({"top_p": 0.0}, "top_p must be"),
        ({"top_p": 1.1}, "top_p must be"),
        ({"repetition_window": -1}, "repetition_window must be"),
        ({"repetition_ratio": 2.0}, "repetition_ratio must be"),
    ],
)
def test_options_that_make_no_sense(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        SamplingOptions(**settings)  # type: ignore[arg-type]
