"""Which text token sounds when: what is read for it, the path through it, and the figures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.engine import SemanticStage, stage_generator
from bark.engine.alignment import FLOOR, SKIPPED, Alignment, align, best_path, text_attention
from bark.engine.quantize import pack
from bark.errors import OptionError, TextError, VoiceError
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.training.attention import run_trunk

HEADS = ((0, 1), (1, 0))
GREEDY = SamplingOptions(temperature=0)


@pytest.fixture
def stage(pup: ModelConfig, make_lively: Any) -> SemanticStage:
    return SemanticStage(make_lively(GPT(pup.semantic)), replace(pup, alignment_heads=HEADS))


def looking_at(*tokens: int, of: int, share: float = 0.9) -> np.ndarray:
    """Attention [T, N] of a model that looks at one token after another."""
    attention = np.full((len(tokens), of), (1 - share) / of)
    attention[np.arange(len(tokens)), tokens] += share
    return attention


def alignment(*tokens: int, of: int, rate: float = 25.0) -> Alignment:
    attention = looking_at(*tokens, of=of)
    return Alignment(attention, best_path(attention), rate)


class TestPath:
    def test_follows_attention(self) -> None:
        assert best_path(looking_at(0, 0, 1, 2, 2, of=3)).tolist() == [0, 0, 1, 2, 2]

    def test_never_goes_back(self) -> None:
        assert best_path(looking_at(0, 1, 1, 0, 1, 2, of=3)).tolist() == [0, 1, 1, 1, 1, 2]

    def test_passes_over_what_is_not_said(self) -> None:
        assert best_path(looking_at(0, 0, 4, 4, 4, of=6)).tolist() == [0, 0, 4, 4, 4]

    def test_begins_and_ends_where_attention_does(self) -> None:
        assert best_path(looking_at(2, 2, 2, 3, 3, 3, of=8)).tolist() == [2, 2, 2, 3, 3, 3]

    def test_of_nothing(self) -> None:
        assert best_path(np.zeros((0, 4))).tolist() == []

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 10_000))
    def test_is_the_best_of_all(self, steps: int, tokens: int, seed: int) -> None:
        attention = np.random.default_rng(seed).dirichlet(np.full(tokens, 0.3), size=steps)
        gains = np.log(attention + FLOOR)

        def worth(path: tuple[int, ...]) -> float:
            passed = path[0] + tokens - 1 - path[-1] + sum(max(0, b - a - 1) for a, b in pairwise(path))
            return float(gains[np.arange(steps), path].sum()) - SKIPPED * passed

        ways = [way for way in product(range(tokens), repeat=steps) if list(way) == sorted(way)]
        found = tuple(best_path(attention).tolist())
        assert worth(found) == pytest.approx(max(map(worth, ways)))


class TestFigures:
    def test_spans_follow_on_one_another(self) -> None:
        spans = alignment(0, 0, 1, 1, 1, 3, 3, of=4).spans
        assert spans.tolist() == [[0.0, 0.1], [0.1, 0.22], [0.22, 0.22], [0.22, 0.28]]
        assert (spans[1:, 0] == spans[:-1, 1]).all()

    def test_of_an_empty_utterance(self) -> None:
        empty = Alignment(np.zeros((0, 3)), np.zeros(0, np.int64), 25.0)
        assert empty.spans.tolist() == [[0.0, 0.0]] * 3
        assert (empty.setback, empty.unreached, empty.heard.tolist()) == (0, 3, [0.0] * 3)

    def test_what_was_left_out_was_not_heard(self) -> None:
        heard = alignment(0, 0, 0, 2, 2, 2, of=3).heard
        assert heard[1] < 0.02 < 0.1 < heard[0]

    def test_unreached(self) -> None:
        assert alignment(0, 1, 2, 3, of=4).unreached == 0
        assert alignment(0, 1, 1, 1, of=4).unreached == 2

    def test_what_is_said_again_is_a_setback(self) -> None:
        said = [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
        assert alignment(*said, of=4).setback == 0
        assert alignment(*said[:12], *said[4:], of=4).setback == 1
        assert alignment(*said, *said[4:], of=4).setback == 2

    def test_the_end_that_is_looked_at_before_anything_is_said_counts_for_nothing(self) -> None:
        said = [0] * 4 + [1] * 4 + [2] * 4
        assert alignment(*[3] * 6, *said, *[3] * 4, of=4).setback == 0
        assert alignment(*[3] * 6, *said, *said, *[3] * 4, of=4).setback == 2
        assert alignment(*[3] * 6, *said, of=4).unreached == 1
        assert alignment(*[0] * 6, of=1).unreached == 0

    def test_heads_look_as_many_seconds_ahead_at_any_rate(self) -> None:
        found = [alignment(*[0] * rate, *[1] * rate, of=2, rate=rate).spans[1, 0] for rate in (25, 50, 100)]
        assert found == pytest.approx([1.02] * 3)

    def test_a_glance_back_is_none(self) -> None:
        assert alignment(0, 0, 0, 1, 1, 0, 1, 1, 1, 2, 2, 0, 2, 2, of=3).setback == 0

    def test_focus_is_low_where_nobody_knows(self) -> None:
        sure = alignment(0, 0, 1, 1, 2, 2, of=9)
        assert sure.focus.min() > 0.9
        lost = Alignment(np.full((6, 9), 1 / 9), sure.path, 25.0)
        assert lost.focus.max() < 0.4


class TestReading:
    @pytest.mark.parametrize("history", [None, [1, 2, 3], list(range(30))])
    def test_the_utterance_is_read_as_it_was_said(self, stage: SemanticStage, history: list[int] | None) -> None:
        said = list(stage.generate([4, 5, 6], history, options=GREEDY, stop_at_eos=False))
        with torch.inference_mode():
            embedded, positions, prompt = stage.whole([4, 5, 6], history, said)
            hidden = stage.model(embedded, positions)
            rows = stage.model.logits(hidden[0, prompt - 1 :], slice(0, stage.tokens.semantic_vocab))
        assert rows.argmax(-1).tolist() == said

    def test_suno_layout_too(self, semantic_model: GPT, suno: ModelConfig) -> None:
        stage = SemanticStage(semantic_model, suno)
        said = list(stage.generate([4, 5], [7], options=GREEDY, stop_at_eos=False, max_duration=0.5))
        found = align(stage, [4, 5], [7], said, heads=((1, 0),))
        assert found is not None
        assert found.attention.shape == (len(said), 2)

    def test_attention_is_that_of_training(self, stage: SemanticStage) -> None:
        embedded, positions, prompt = stage.whole([1, 2, 3], [4, 5], list(range(12)))
        _, weights = run_trunk(stage.model, embedded, positions, HEADS)
        expected = torch.stack(weights).mean(0)[0, prompt - 1 :, :3]
        found = align(stage, [1, 2, 3], [4, 5], list(range(12)))
        assert found is not None
        np.testing.assert_allclose(found.attention, expected.detach().double(), atol=1e-6)
        assert found.attention.shape == (12, 3)

    def test_packed_weights_say_the_same(self, pup: ModelConfig, make_lively: Any) -> None:
        plain, packed = (make_lively(GPT(pup.semantic)).float() for _ in range(2))
        pack(packed, torch.float32, "int8")
        embedded = torch.randn(1, 20, 16, generator=torch.Generator().manual_seed(0)) * 0.05
        with torch.inference_mode():
            shares = [text_attention(m, embedded, torch.arange(20), ((0, 0), (1, 1))) for m in (plain, packed)]
        assert (shares[0] - shares[1]).abs().mean() < 0.02

    def test_no_heads_no_times(self, pup: ModelConfig, stage: SemanticStage) -> None:
        assert align(SemanticStage(stage.model, pup), [1], None, [1, 2]) is None

    def test_nothing_said(self, stage: SemanticStage) -> None:
        found = align(stage, [1, 2], None, [])
        assert found is not None
        assert found.spans.tolist() == [[0.0, 0.0]] * 2

    @pytest.mark.parametrize(
        ("text", "history", "said", "error", "sentence"),
        [
            ([], None, [1], TextError, "no text to speak"),
            ([1], [50], [1], VoiceError, "semantic history: expected 0 … 49"),
            ([1], None, [50], OptionError, "semantic tokens of the utterance: expected 0 … 49, got 50"),
            ([1], None, [1] * 41, OptionError, "the utterance has 41 semantic tokens, but the model says 40"),
        ],
    )
    def test_errors(
        self, text: Any, history: Any, said: Any, error: type[Exception], sentence: str, stage: SemanticStage
    ) -> None:
        with pytest.raises(error, match=sentence):
            align(stage, text, history, said)


def test_pup_looks_at_what_it_says(bundled_stage: tuple[SemanticStage, list[int]]) -> None:
    stage, text = bundled_stage
    generator = stage_generator(1, "semantic", torch.device("cpu"))
    said = list(stage.generate(text, options=SamplingOptions(temperature=0.2), generator=generator))
    found = align(stage, text, None, said)
    assert found is not None
    assert (found.setback, found.unreached) == (0, 0)
    assert np.median(found.focus) > 0.8
    assert (found.spans[:, 0] < found.spans[:, 1]).mean() > 0.8


@pytest.fixture
def bundled_stage() -> tuple[SemanticStage, list[int]]:
    """The model in the package, and a text's tokens."""
    from bark.checkpoints.native import NativeCheckpoint
    from bark.checkpoints.registry import BUNDLED

    if not (BUNDLED / "pup").is_dir():
        pytest.skip("there is no bundled model")
    checkpoint = NativeCheckpoint(BUNDLED / "pup")
    text = checkpoint.text_tokenizer().encode("The boat left the harbour at dawn, and nobody saw it again.")
    return SemanticStage(checkpoint.semantic(), checkpoint.config), text
