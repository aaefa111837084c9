"""Windows, history and cache of the coarse stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.engine import CoarseHistory, CoarseStage, prefix, stage_generator
from bark.engine.prefix import Prefix
from bark.errors import BarkError, CheckpointError, VoiceError
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions

GREEDY = SamplingOptions(temperature=0)
SAMPLED = SamplingOptions(temperature=1.0)


@pytest.fixture(scope="module")
def pup_model(pup: ModelConfig, make_lively: Any) -> GPT:
    return make_lively(GPT(pup.coarse))


@pytest.fixture(scope="module")
def pup_stage(pup_model: GPT, pup: ModelConfig) -> CoarseStage:
    return CoarseStage(pup_model, pup)


def joined(pieces: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros((3, 0), dtype=np.int64), *pieces], axis=1)


def counting(codebook: int, position: int) -> int:
    """What the scripted model says at a position of a window: the row of the codebook whose turn it is."""
    return 50 + 16 * codebook + position % 16


class Recorder:
    """A stage with a scripted model, and every prompt that began a window."""

    def __init__(self, scripted: Any, config: ModelConfig, patch: pytest.MonkeyPatch) -> None:
        window = config.coarse_layout.semantic_window
        self.prompts: list[list[int]] = []

        def script(tokens: list[int], _positions: list[int]) -> int:
            written = len(tokens) - window - 1
            last = tokens[-1]
            codebook = 0 if written == 0 or last >= 50 + 32 or last == 99 else (last - 50) // 16 + 1
            return counting(codebook, len(tokens))

        self.model = scripted(config.coarse, script)
        self.stage = CoarseStage(self.model, config)
        start = Prefix.start

        def listen(own: Prefix, tokens: list[int]) -> int:
            self.prompts.append(list(tokens))
            return start(own, tokens)

        patch.setattr(Prefix, "start", listen)


@pytest.fixture
def recorder(scripted: Any, pup: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(scripted, pup, monkeypatch)


class TestWindows:
    """Pup's test layout: 10 semantic tokens, 36 coarse tokens of history, stride 12; 6 coarse tokens to a semantic."""

    def test_prompts(self, recorder: Recorder) -> None:
        semantic = list(range(20))
        codes = joined(recorder.stage.generate(semantic, options=GREEDY))
        written = recorder.stage.tokens.flatten_coarse(codes).tolist()
        assert len(written) == 120
        for n, prompt in enumerate(recorder.prompts):
            first = max(0, n * 2 - 6)  # a window is worth two semantic tokens, its history six
            expected = semantic[first : first + 10]
            assert prompt[:10] == expected + [98] * (10 - len(expected))
            assert prompt[10] == 99
            assert prompt[11:] == written[max(0, n * 12 - 36) : n * 12]

    def test_positions_go_on_from_zero(self, recorder: Recorder) -> None:
        list(recorder.stage.generate(range(7), options=GREEDY))
        assert recorder.model.positions == list(range(len(recorder.model.tokens)))

    def test_what_has_not_moved_is_not_read_again(self, recorder: Recorder) -> None:
        list(recorder.stage.generate(range(20), options=GREEDY))
        starts = recorder.model.reads[::12]
        # while the window stands still only the token written last is new; then its first token is another
        assert starts == [11, 1, 1, 1, 47, 47, 47, 47, 47, 47]

    @pytest.mark.parametrize(("stride", "sizes"), [(12, [2, 4, 4, 4, 4, 2]), (18, [2, 4, 6, 6, 2]), (6, [2] * 10)])
    def test_the_first_windows_write_less(
        self, stride: int, sizes: list[int], scripted: Any, pup: ModelConfig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        layout = replace(pup.coarse_layout, max_history=24, stride=stride, first_stride=6)
        recorder = Recorder(scripted, replace(pup, coarse_layout=layout), monkeypatch)
        pieces = list(recorder.stage.generate(range(10), options=GREEDY))
        assert [piece.shape[1] for piece in pieces] == sizes
        written = recorder.stage.tokens.flatten_coarse(joined(iter(pieces))).tolist()
        for n, prompt in enumerate(recorder.prompts):
            before, history = 3 * sum(sizes[:n]), 30 - min(stride, 6 << n)
            first = max(0, before // 6 - history // 6)
            assert prompt[:11] == [*range(first, 10), *[98] * first, 99]
            assert prompt[11:] == written[max(0, before - history) : before]

    @pytest.mark.parametrize("options", [GREEDY, SAMPLED])
    def test_kept_is_read_again(
        self, options: SamplingOptions, pup_stage: CoarseStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def codes() -> list[Any]:
            return joined(pup_stage.generate(range(17), options=options, generator=stage_generator(1, "x"))).tolist()

        kept = codes()
        monkeypatch.setattr(prefix, "common_prefix", lambda _a, _b: 0)
        assert codes() == kept

    @settings(max_examples=25, deadline=None)
    @given(n_semantic=st.integers(0, 30), seed=st.integers(0, 9))
    def test_shapes_and_ranges(self, n_semantic: int, seed: int, pup_stage: CoarseStage) -> None:
        semantic = np.random.default_rng(seed).integers(50, size=n_semantic)
        pieces = list(pup_stage.generate(semantic, options=SAMPLED, generator=stage_generator(seed, "coarse")))
        assert [piece.shape[1] for piece in pieces] == [4] * (n_semantic // 2) + [2] * (n_semantic % 2)
        codes = joined(iter(pieces))
        assert codes.shape == (3, pup_stage.frames(n_semantic)) == (3, 2 * n_semantic)
        assert codes.size == 0 or 0 <= codes.min() <= codes.max() < 16

    @pytest.mark.parametrize(("n_semantic", "frames"), [(0, 0), (1, 1), (2, 3), (499, 750), (768, 1154)])
    def test_frames_of_suno(self, n_semantic: int, frames: int, coarse_model: GPT, suno: ModelConfig) -> None:
        assert CoarseStage(coarse_model, suno).frames(n_semantic) == frames


class TestStream:
    @pytest.mark.parametrize("n_semantic", [0, 1, 5, 10, 11, 25])
    def test_is_the_batch(self, n_semantic: int, pup_stage: CoarseStage) -> None:
        semantic = np.random.default_rng(0).integers(50, size=n_semantic)

        def codes(source: Any) -> list[Any]:
            return joined(pup_stage.generate(source, options=SAMPLED, generator=stage_generator(3, "x"))).tolist()

        assert codes(iter(semantic.tolist())) == codes(semantic) == codes(torch.from_numpy(semantic))

    def test_reads_no_further_than_the_window(self, pup_stage: CoarseStage) -> None:
        pulled = 0

        def source() -> Iterator[int]:
            nonlocal pulled
            while True:
                pulled += 1
                yield pulled % 50

        pieces = pup_stage.generate(source(), options=GREEDY)
        assert pulled == 0
        for expected in (10, 10, 10, 10, 12, 14):
            next(pieces)
            assert pulled == expected

    def test_seeds(self, pup_stage: CoarseStage) -> None:
        def codes(seed: int) -> bytes:
            generator = stage_generator(seed, "coarse")
            return joined(pup_stage.generate(range(6), options=SAMPLED, generator=generator)).tobytes()

        assert codes(1) == codes(1)
        assert len({codes(seed) for seed in range(8)}) == 8

    def test_repetition_is_looked_at_in_each_codebook(self, recorder: Recorder, monkeypatch: Any) -> None:
        def flat(hidden: torch.Tensor, rows: slice) -> torch.Tensor:
            return torch.tensor([0.1] + [0.0] * 15)

        monkeypatch.setattr(recorder.model, "logits", flat)
        options = SamplingOptions(temperature=1.0, top_k=1, repetition_window=1, repetition_ratio=0.0)
        codes = joined(recorder.stage.generate(range(6), options=options, generator=stage_generator(0, "x")))
        assert codes[:, 0].tolist() == [0, 0, 0]  # the first of its codebook repeats nothing
        assert codes[:, 1].tolist() != [0, 0, 0]

    def test_in_half_precision(self, pup: ModelConfig, make_lively: Any) -> None:
        stage = CoarseStage(make_lively(GPT(pup.coarse)).bfloat16(), pup)
        assert joined(stage.generate(range(12), options=SAMPLED)).shape == (3, 24)


class TestHistory:
    def prompt(self, recorder: Recorder, n_semantic: int, n_frames: int) -> list[int]:
        codes = np.arange(3 * n_frames).reshape(3, n_frames) % 16
        history = CoarseHistory(np.arange(n_semantic) % 20, codes)
        recorder.prompts.clear()
        next(recorder.stage.generate([40, 41, 42], history, options=GREEDY))
        return recorder.prompts[0]

    def test_is_cut_to_what_fits(self, recorder: Recorder) -> None:
        prompt = self.prompt(recorder, 30, 60)
        assert prompt[:10] == [4, 5, 6, 7, 8, 9, 40, 41, 42, 98]
        last = recorder.stage.tokens.flatten_coarse(np.arange(180).reshape(3, 60) % 16)[-36:]
        assert prompt[11:] == last.tolist()

    @pytest.mark.parametrize(
        ("n_semantic", "n_frames", "kept"),
        [(4, 8, 4), (5, 10, 4), (4, 6, 3), (4, 7, 3), (1, 2, 0), (0, 0, 0), (6, 1, 0), (0, 9, 0)],
    )
    def test_halves_are_as_long_as_each_other(
        self, n_semantic: int, n_frames: int, kept: int, recorder: Recorder
    ) -> None:
        prompt = self.prompt(recorder, n_semantic, n_frames)
        assert prompt[:10] == [*range(n_semantic - kept, n_semantic), 40, 41, 42] + [98] * (7 - kept)
        assert len(prompt) == 11 + 6 * kept

    @pytest.mark.parametrize(("drop", "length"), [(0, 24), (3, 21), (24, 0), (100, 0)])
    def test_its_end_can_be_dropped(
        self, drop: int, length: int, scripted: Any, pup: ModelConfig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = replace(pup, coarse_layout=replace(pup.coarse_layout, drop_history=drop))
        prompt = self.prompt(Recorder(scripted, config, monkeypatch), 4, 8)
        assert prompt[11:] == [50 + 16 * k + (t + 8 * k) % 16 for t in range(8) for k in range(3)][:length]

    def test_is_not_given_back(self, pup_stage: CoarseStage) -> None:
        history = CoarseHistory(range(6), np.ones((3, 12), dtype=np.int32))
        assert joined(pup_stage.generate(range(5), history, options=GREEDY)).shape == (3, 10)

    @pytest.mark.parametrize(
        ("semantic", "codes", "sentence"),
        [
            ([50], np.zeros((3, 2), int), "semantic history: expected 0 … 49, got 50 … 50"),
            ([1, 2], np.zeros((2, 4), int), r"coarse history: expected codes of shape \(3, frames\), got \(2, 4\)"),
            ([1, 2], np.full((3, 4), 16), "coarse history: expected 0 … 15"),
            ([1, 2], np.zeros((3, 4)), "coarse history: expected whole numbers, got float64"),
        ],
    )
    def test_errors(self, semantic: Any, codes: Any, sentence: str, pup_stage: CoarseStage) -> None:
        with pytest.raises(VoiceError, match=sentence):
            pup_stage.generate([1], CoarseHistory(semantic, codes), options=GREEDY)


class TestErrors:
    @pytest.mark.parametrize("semantic", [np.array([50]), torch.tensor([-1]), np.zeros((1, 2), int)])
    def test_arrays_are_refused_at_once(self, semantic: Any, pup_stage: CoarseStage) -> None:
        with pytest.raises(BarkError, match="semantic tokens: expected"):
            pup_stage.generate(semantic, options=GREEDY)

    def test_a_stream_is_refused_at_the_token(self, pup_stage: CoarseStage) -> None:
        pieces = pup_stage.generate(iter([1] * 12 + [50]), options=GREEDY)
        with pytest.raises(BarkError, match="semantic tokens: expected 0 … 49, got 50"):
            list(pieces)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"stride": 60}, "a window of 106 positions in a block_size of 64"),
            ({"stride": 4}, "a stride of 4 tokens cuts frames of 3 apart"),
            ({"first_stride": 4}, "a first_stride of 4 tokens cuts frames of 3 apart"),
            ({"first_stride": 15}, "a first_stride of 15 and a history of 36 don't go with a stride of 12"),
            ({"first_stride": -3}, "first_stride must be at least 0, got -3"),
            ({"stride": 48, "first_stride": 6, "max_history": 36}, "a history of 36 don't go with a stride of 48"),
            ({"stride": 0}, "stride must be at least 1, got 0"),
        ],
    )
    def test_layouts(self, change: dict[str, int], sentence: str, pup_model: GPT, pup: ModelConfig) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            CoarseStage(pup_model, replace(pup, coarse_layout=replace(pup.coarse_layout, **change)))

    @pytest.mark.parametrize("change", [{"codebook_size": 17}, {"coarse_infer": 100}, {"coarse_semantic_pad": 100}])
    def test_models_of_other_tokens(self, change: dict[str, int], pup_model: GPT, pup: ModelConfig) -> None:
        with pytest.raises(
            CheckpointError, match=r"coarse: the tokens need vocabularies of 10. in and .* but the model has 100 and 98"
        ):
            CoarseStage(pup_model, replace(pup, tokens=replace(pup.tokens, **change)))
