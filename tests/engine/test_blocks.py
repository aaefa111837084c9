"""Many tokens at a time are the tokens that come one at a time, and a row in company is the row alone."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, sequence, stage_generator
from bark.engine import workspace as workspaces
from bark.engine.blocks import BlockWriter
from bark.engine.device import visiting
from bark.engine.sequence import Sequence, written
from bark.engine.steps import StepWriter
from bark.engine.workspace import LONGEST, Workspace, workspace
from bark.engine.writing import Write
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import GenerateOptions
from bark.pipeline import Bark
from tests.engine.rows import OPTIONS, codes, flat, utterance

Stage = SemanticStage | CoarseStage
Make = Callable[[int], Sequence[Any]]


@pytest.fixture(scope="module")
def semantic(pup: ModelConfig, make_lively: Any) -> SemanticStage:
    return SemanticStage(make_lively(GPT(pup.semantic), 5).float(), pup)


@pytest.fixture(scope="module")
def coarse(pup: ModelConfig, make_lively: Any) -> CoarseStage:
    return CoarseStage(make_lively(GPT(pup.coarse), 6).float(), pup)


def steps(stage: Stage, make: Make, numbers: range) -> list[list[Any]]:
    """What each says alone, a token at a time."""
    return [flat(written(StepWriter(stage.model, stage.capacity, 1), [(0, make(n))])).get(0, []) for n in numbers]


def blocks(stage: Stage, make: Make, numbers: range, slots: int, ahead: int = 1) -> list[list[Any]]:
    """What each says with so many slots, many tokens at a time."""
    own = Workspace(stage.model, stage.capacity, slots, ahead=ahead)
    found = flat(written(BlockWriter(stage.model, own), ((n, make(n)) for n in numbers)))
    return [found.get(n, []) for n in numbers]


@pytest.mark.parametrize("slots", [1, 3, 12])
class TestTokens:
    def test_semantic(self, slots: int, semantic: SemanticStage) -> None:
        numbers = range(12)
        said = steps(semantic, lambda n: utterance(semantic, n), numbers)
        assert blocks(semantic, lambda n: utterance(semantic, n), numbers, slots) == said
        assert len({tuple(tokens) for tokens in said}) > 9
        lengths = {len(tokens) for tokens in said}
        assert any(length % 16 for length in lengths) and max(lengths) == 40  # some end in a block, some at the limit

    def test_coarse(self, slots: int, coarse: CoarseStage) -> None:
        numbers = range(7)
        said = steps(coarse, lambda n: codes(coarse, n), numbers)
        assert blocks(coarse, lambda n: codes(coarse, n), numbers, slots) == said
        assert [len(tokens) for tokens in said] == [6 * (4 + 3 * n) for n in numbers]

    def test_a_row_drawn_for_ahead_is_as_alone(self, slots: int, semantic: SemanticStage, coarse: CoarseStage) -> None:
        for stage, make in ((semantic, lambda n: utterance(semantic, n)), (coarse, lambda n: codes(coarse, n))):
            alone = [blocks(stage, make, range(n, n + 1), 1, ahead=7)[0] for n in range(5)]
            assert blocks(stage, make, range(5), slots, ahead=7) == alone


def test_where_there_is_no_position_to_spare(pup: ModelConfig, make_lively: Any) -> None:
    config = replace(
        pup,
        semantic=replace(pup.semantic, block_size=60),
        coarse=replace(pup.coarse, block_size=58),
    )
    said = SemanticStage(make_lively(GPT(config.semantic), 5), config)
    sounded = CoarseStage(make_lively(GPT(config.coarse), 6), config)
    assert (said.capacity, sounded.capacity) == (60, 58)

    def endless(n: int) -> Sequence[int]:
        return said.sequence(range(20), options=OPTIONS[n], stop_at_eos=False, generator=stage_generator(n, "x"))

    assert blocks(said, endless, range(3), 3) == steps(said, endless, range(3))
    assert blocks(sounded, lambda n: codes(sounded, n), range(7, 9), 2) == steps(
        sounded, lambda n: codes(sounded, n), range(7, 9)
    )


def test_no_more_is_written_than_may_be_asked_for(semantic: SemanticStage) -> None:
    asked: list[Write] = []
    own = Workspace(semantic.model, semantic.capacity, 1)
    counts = []

    class Counted(BlockWriter):
        def begin(self, slot: int, write: Write) -> None:
            asked.append(write)
            super().begin(slot, write)

        def go_on(self, slots: Any) -> list[list[int]]:
            new = super().go_on(slots)
            counts.append(len(new[0]))
            return new

    for stop in (True, False):
        counts.clear()
        utterance = semantic.sequence([1], options=OPTIONS[1], min_eos_p=None, stop_at_eos=stop)
        list(written(Counted(semantic.model, own), [(0, utterance)]))
        assert counts == [40] if not stop else set(counts[:-1]) <= {16} and counts[-1] <= 16
    assert LONGEST >= 40 == asked[-1].count


def test_rows_move_to_the_front(semantic: SemanticStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of many is alone in the end, in the first place."""
    moves: list[tuple[int, int]] = []
    move = Workspace.move

    def watched(own: Workspace, row: int, to: int) -> None:
        moves.append((row, to))
        move(own, row, to)

    monkeypatch.setattr(Workspace, "move", watched)

    def make(n: int) -> Sequence[int]:
        more: Any = {"options": OPTIONS[5 if n == 4 else 1], "max_duration": 0.1 if n < 4 else None}
        return semantic.sequence(range(1, 3 + n), stop_at_eos=False, generator=stage_generator(n, "x"), **more)

    for ahead in (1, 7):
        moves.clear()
        said = blocks(semantic, make, range(5), 5, ahead)
        assert moves == [(4, 0)]
        assert said == [blocks(semantic, make, range(n, n + 1), 1, ahead)[0] for n in range(5)]


@torch.inference_mode()
def test_what_has_no_room_is_refused(semantic: SemanticStage) -> None:
    writer = BlockWriter(semantic.model, Workspace(semantic.model, 30, 1))
    write = next(semantic.sequence([1, 2], options=OPTIONS[0]))
    assert isinstance(write, Write)
    with pytest.raises(ValueError, match="42 positions don't fit a cache of 30"):
        writer.begin(0, write)
    writer.begin(0, replace(write, count=5))
    writer.go_on([0])
    with pytest.raises(ValueError, match="can't keep 9 positions"):
        writer.begin(0, replace(write, count=1, keep=9))
    with pytest.raises(ValueError, match="a cache of 65 positions, but the model reads 1 … 64"):
        Workspace(semantic.model, 65, 1)


class TestKeptWorkspaces:
    @pytest.fixture
    def model(self, pup: ModelConfig) -> GPT:
        return GPT(pup.semantic)

    def test_one_for_a_row_and_one_for_many(self, model: GPT) -> None:
        def used(rows: int) -> Workspace:
            with workspace(model, 20, rows) as own:
                return own

        one, four = used(1), used(4)
        assert used(1) is one and used(4) is four
        assert used(8) is not four and used(4) is not four and used(1) is one

    def test_two_at_once_are_two(self, model: GPT) -> None:
        with workspace(model, 20, 1) as own, workspace(model, 20, 1) as other:
            assert own is not other

    def test_another_capacity_is_another(self, model: GPT) -> None:
        with workspace(model, 20, 1) as own:
            pass
        with workspace(model, 21, 1) as other:
            assert own is not other

    def test_none_outlives_the_weights(self, pup: ModelConfig) -> None:
        model = GPT(pup.semantic)
        gc.collect()
        before = len(workspaces._idle)
        with workspace(model, 20, 1):
            pass
        with visiting(model, torch.device("meta")), workspace(model, 20, 1) as own:
            assert own.hidden.is_meta
            assert len(workspaces._idle) == before + 2
        assert len(workspaces._idle) == before + 1
        del model
        gc.collect()
        assert len(workspaces._idle) == before


def test_the_whole_way(checkpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: by the doors that all use, alone, streamed and in a batch, and again with what is kept."""
    monkeypatch.setattr(sequence, "in_blocks", lambda device: True)
    bark = Bark(checkpoint, "cpu", "float32")
    options = GenerateOptions(max_duration=1.0)
    texts = ["Hello.", "The boat left.", "I like pizza."]
    alone = [bark.generate(text, "v2/en_speaker_0", seed=n, options=options) for n, text in enumerate(texts)]
    for slots in (2, 3, 2):
        batch = bark.generate_batch(texts, "v2/en_speaker_0", seed=0, options=options, slots=slots)
        for made, own in zip(batch, alone, strict=True):
            np.testing.assert_array_equal(made.tokens.semantic, own.tokens.semantic)
            np.testing.assert_array_equal(made.tokens.fine, own.tokens.fine)
    streamed = np.concatenate(list(bark.stream(texts[1], "v2/en_speaker_0", seed=1, options=options)))
    np.testing.assert_array_equal(streamed, alone[1].audio)


def test_of_the_model_in_the_package(bundled: Any) -> None:
    """In float32, as it is used for parity, with its own options."""
    parts = Bark("pup", "cpu", "float32").parts
    voice = parts.voices.load("v2/en_speaker_0")
    text = parts.tokenizer.encode("The boat left the harbour at dawn.")
    with parts.semantic() as stage, parts.coarse() as coarse_stage:

        def say(n: int) -> Sequence[int]:
            more: Any = {"options": replace(OPTIONS[1], temperature=0.2 * n), "generator": stage_generator(n, "x")}
            return stage.sequence(text, voice.semantic if n else None, max_duration=0.7, **more)

        said = steps(stage, say, range(3))
        assert blocks(stage, say, range(3), 3) == said

        def sound(n: int) -> Sequence[Any]:
            history = CoarseHistory(voice.semantic, voice.coarse) if n else None
            more: Any = {"options": OPTIONS[n], "generator": stage_generator(n, "y")}
            return coarse_stage.sequence(said[n], history, **more)

        assert blocks(coarse_stage, sound, range(2), 2) == steps(coarse_stage, sound, range(2))
