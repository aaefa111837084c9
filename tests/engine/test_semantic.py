"""Prompt, positions, filters and end of the semantic stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import SemanticStage, stage_generator
from bark.errors import CheckpointError, TextError, VoiceError
from bark.models.config import ModelConfig, SemanticLayout
from bark.models.gpt import GPT
from bark.options import SamplingOptions

GREEDY = SamplingOptions(temperature=0)
EOS = 10_000


def stage_of(scripted: Any, config: ModelConfig, *says: int) -> tuple[SemanticStage, Any]:
    """A stage whose model says these tokens, one after another, then the last of them for ever."""

    def script(tokens: list[int], _positions: list[int]) -> int:
        return says[min(len(model.reads), len(says)) - 1]

    model = scripted(config.semantic, script)
    return SemanticStage(model, config), model


@pytest.fixture
def pup_model(pup: ModelConfig, make_lively: Any) -> GPT:
    return make_lively(GPT(pup.semantic))


class TestPrompt:
    def test_suno_fills_its_length_with_pads(self, scripted: Any, suno: ModelConfig) -> None:
        stage, model = stage_of(scripted, suno, 5, 6, EOS)
        assert list(stage.generate([100, 101], [7, 8, 9], options=GREEDY)) == [5, 6]
        text = [10_148, 10_149] + [129_595] * 254
        history = [7, 8, 9] + [10_000] * 253
        assert model.tokens == [a + b for a, b in zip(text, history, strict=True)] + [129_599, 5, 6]
        assert model.positions == list(range(259))

    def test_pup_reads_only_what_is_there(self, scripted: Any, pup: ModelConfig) -> None:
        stage, model = stage_of(scripted, pup, 5, 6, 51)
        assert list(stage.generate([0, 1, 2], [7], options=GREEDY)) == [5, 6]
        assert model.tokens == [52 + 7, 53 + 51, 54 + 51, 91, 5, 6]
        assert model.positions == [0, 1, 2, 20, 21, 22]

    def test_pup_with_more_history_than_text(self, scripted: Any, pup: ModelConfig) -> None:
        stage, model = stage_of(scripted, pup, 51)
        assert list(stage.generate([3], [7, 8], options=GREEDY)) == []
        assert model.tokens == [55 + 7, 90 + 8, 91]
        assert model.positions == [0, 1, 20]

    def test_of_the_history_the_end_is_read(self, scripted: Any, pup: ModelConfig) -> None:
        stage, model = stage_of(scripted, pup, 51)
        list(stage.generate(np.array([3]), np.arange(40, dtype=np.uint16), options=GREEDY))
        assert model.tokens[1:16] == [90 + t for t in range(25, 40)]

    @pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
    def test_any_kind_of_array(self, kind: Any, semantic_model: GPT, suno: ModelConfig) -> None:
        stage = SemanticStage(semantic_model, suno)
        tokens = list(stage.generate(kind([5, 6]), kind([1, 2]), options=GREEDY, max_duration=0.1))
        assert tokens == list(stage.generate([5, 6], [1, 2], options=GREEDY, max_duration=0.1))


class TestEnd:
    def test_at_eos(self, scripted: Any, suno: ModelConfig) -> None:
        stage, model = stage_of(scripted, suno, 1, 2, EOS)
        assert list(stage.generate([1], options=GREEDY)) == [1, 2]
        assert model.reads == [257, 1, 1]

    def test_eos_may_lie_apart_from_the_semantic_rows(self, scripted: Any, pup: ModelConfig) -> None:
        # row 51 is EOS, row 50 is nothing that could be said
        stage, _ = stage_of(scripted, pup, 1, 2, 51)
        assert list(stage.generate([1], options=GREEDY)) == [1, 2]

    @pytest.mark.parametrize(
        ("seconds", "count"), [(0.001, 1), (0.1, 5), (1.0, 50), (10.0, 499), (None, 768), (100.0, 768)]
    )
    def test_at_the_duration_or_the_models_limit(
        self, seconds: float | None, count: int, scripted: Any, suno: ModelConfig
    ) -> None:
        stage, model = stage_of(scripted, suno, 4)
        assert list(stage.generate([1], options=GREEDY, max_duration=seconds)) == [4] * count
        assert model.reads == [257] + [1] * (count - 1)
        assert max(model.positions) < 1024

    def test_when_the_block_is_full(self, scripted: Any, pup: ModelConfig) -> None:
        config = replace(pup, semantic_layout=replace(pup.semantic_layout, max_steps=1000))
        stage, model = stage_of(scripted, config, 4)
        assert len(list(stage.generate([1], options=GREEDY))) == 64 - 20
        assert max(model.positions) == 63

    def test_not_at_eos_when_told_so(self, scripted: Any, suno: ModelConfig) -> None:
        stage, _ = stage_of(scripted, suno, EOS)
        tokens = list(stage.generate([1], options=GREEDY, max_duration=1.0, stop_at_eos=False))
        assert len(tokens) == 50
        assert max(tokens) < 10_000

    def test_once_it_is_likely_enough(self, pup_model: GPT, pup: ModelConfig) -> None:
        stage = SemanticStage(pup_model, pup)
        options = SamplingOptions(temperature=1.0)
        lengths = []
        for min_eos_p in (None, 0.2, 0.02, 1e-9):
            generator = torch.Generator().manual_seed(3)
            lengths.append(len(list(stage.generate([1, 2], options=options, min_eos_p=min_eos_p, generator=generator))))
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[-1] == 0


class TestStream:
    def test_a_token_comes_before_the_next_is_made(self, scripted: Any, suno: ModelConfig) -> None:
        stage, model = stage_of(scripted, suno, 4)
        stream = stage.generate([1], options=GREEDY)
        assert model.reads == []
        next(stream)
        assert model.reads == [257]
        next(stream)
        assert model.reads == [257, 1]

    def test_cached_is_uncached(self, pup_model: GPT, pup: ModelConfig) -> None:
        text, history = [4, 9, 1], [3, 30, 12, 40, 8]
        said = list(SemanticStage(pup_model, pup).generate(text, history, options=GREEDY, min_eos_p=None))
        assert said == list(self.uncached(pup_model, text, history, len(said)))
        assert len(set(said)) > 5

    def uncached(self, model: GPT, text: list[int], history: list[int], count: int) -> Iterator[int]:
        rows = torch.tensor([[52 + t for t in text] + [90] * (len(history) - len(text)), history])
        prompt, said = model.embed(rows).sum(0, keepdim=True), [91]
        for _ in range(count):
            embedded = torch.cat([prompt, model.embed(torch.tensor([said]))], dim=1)
            positions = torch.tensor([*range(len(history)), *range(20, 20 + len(said))])
            logits = model.logits(model(embedded, positions))[0, -1]
            logits[50] = -1e9
            token = int(logits.argmax())
            yield token
            said.append(token)

    def test_seeds(self, pup_model: GPT, pup: ModelConfig) -> None:
        stage = SemanticStage(pup_model, pup)

        def said(seed: int) -> list[int]:
            generator = stage_generator(seed, "semantic")
            return list(stage.generate([1, 2, 3], options=SamplingOptions(1.0), min_eos_p=None, generator=generator))

        assert said(1) == said(1)
        assert len({tuple(said(seed)) for seed in range(8)}) == 8

    def test_two_streams_at_once(self, pup_model: GPT, pup: ModelConfig) -> None:
        stage = SemanticStage(pup_model, pup)
        alone = list(stage.generate([1, 2], options=GREEDY, stop_at_eos=False))
        together = zip(
            stage.generate([1, 2], options=GREEDY, stop_at_eos=False),
            stage.generate([3], [5] * 9, options=GREEDY, stop_at_eos=False),
            strict=True,
        )
        assert [first for first, _ in together] == alone

    def test_in_half_precision(self, pup: ModelConfig, make_lively: Any) -> None:
        model = make_lively(GPT(pup.semantic)).bfloat16()
        tokens = list(SemanticStage(model, pup).generate([1, 2], options=SamplingOptions(), stop_at_eos=False))
        assert len(tokens) == 40
        assert 0 <= min(tokens) <= max(tokens) < 50

    def test_inference_mode_ends_at_every_token(self, pup_model: GPT, pup: ModelConfig) -> None:
        stream = SemanticStage(pup_model, pup).generate([1], options=GREEDY, stop_at_eos=False)
        next(stream)
        assert not torch.is_inference_mode_enabled()


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ([], "no text"),
            ([1] * 257, "257 tokens long, but the model reads 256"),
            ([-1], "text tokens: expected 0"),
            ([119_552], "text tokens: expected 0 … 119551, got 119552"),
            ([1.5], "whole numbers"),
            ([[1]], "one row"),
        ],
    )
    def test_text(self, text: list[Any], sentence: str, semantic_model: GPT, suno: ModelConfig) -> None:
        with pytest.raises(TextError, match=sentence):  # at once, not when the first token is asked for
            SemanticStage(semantic_model, suno).generate(text, options=GREEDY)

    @pytest.mark.parametrize("history", [[10_000], [-1], [[1], [2]], [0.5]])
    def test_history(self, history: list[Any], semantic_model: GPT, suno: ModelConfig) -> None:
        with pytest.raises(VoiceError, match="semantic history"):
            SemanticStage(semantic_model, suno).generate([1], history, options=GREEDY)

    def test_prompt_larger_than_the_block(self, semantic_model: GPT, suno: ModelConfig) -> None:
        config = replace(suno, semantic_layout=SemanticLayout(text_length=1024))
        with pytest.raises(CheckpointError, match="leaves no room in a block_size of 1024"):
            SemanticStage(semantic_model, config)

    @pytest.mark.parametrize("change", [{"semantic_pad": 52}, {"semantic_infer": 92}, {"text_pad": 100}])
    def test_models_of_other_tokens(self, change: dict[str, int], pup_model: GPT, pup: ModelConfig) -> None:
        with pytest.raises(CheckpointError, match=r"semantic: the tokens need .* but the model has 92 and 52"):
            SemanticStage(pup_model, replace(pup, tokens=replace(pup.tokens, **change)))
