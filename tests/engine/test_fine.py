"""Windows, placeholders and stream of the fine stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bark.engine import FineStage, stage_generator
from bark.engine.fine import Windows
from bark.errors import BarkError, CheckpointError, OptionError, VoiceError
from bark.models.config import FineLayout, ModelConfig
from bark.models.fine import FineGPT
from bark.options import SamplingOptions

GREEDY = SamplingOptions(temperature=None)
SAMPLED = SamplingOptions(temperature=1.0)
SUNO_LIKE = FineLayout(window=24, hop=12, max_history=12, pad_window=True)
PAD = 16


@pytest.fixture(scope="module")
def model(pup: ModelConfig, make_lively: Any) -> FineGPT:
    return make_lively(FineGPT(pup.fine))


@pytest.fixture(scope="module")
def suno_like(pup: ModelConfig) -> ModelConfig:
    return replace(pup, fine_layout=SUNO_LIKE)


@pytest.fixture(scope="module")
def growing(pup: ModelConfig) -> ModelConfig:
    return replace(pup, fine_layout=replace(pup.fine_layout, first_hop=2))


@pytest.fixture(scope="module", params=["pup", "growing", "suno_like"])
def stage(request: pytest.FixtureRequest, model: FineGPT) -> FineStage:
    return FineStage(model, request.getfixturevalue(request.param))


def codes_of(rows: int, frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(16, size=(rows, frames))


def joined(pieces: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros((5, 0), dtype=np.int64), *pieces], axis=1)


class ScriptedFine:
    """Stands for a FineGPT without weights: keeps what it sees, and says codebook + frame of the window."""

    device = torch.device("cpu")

    def __init__(self, config: ModelConfig) -> None:
        self.config = config.fine
        self.seen: list[tuple[int, Tensor]] = []

    def __call__(self, codebook: int, codes: Tensor, rows: slice, tail: int) -> Tensor:
        self.seen.append((codebook, codes[0].T.clone()))
        says = (codebook + torch.arange(codes.shape[1])) % 16
        return torch.nn.functional.one_hot(says[-tail:], 16)[None].float()


class TestWindows:
    layouts = st.builds(
        lambda hop, more, pad, history: FineLayout(hop + more, hop, min(history, more) if pad else history, pad),
        st.integers(1, 9),
        st.integers(0, 12),
        st.booleans(),
        st.integers(0, 15),
    )

    @given(layouts, st.integers(0, 15), st.integers(1, 80))
    def test_every_frame_is_written(self, layout: FineLayout, n_history: int, frames: int) -> None:
        n_history = min(n_history, layout.max_history)
        total = n_history + frames
        if layout.pad_window:
            total = max(total, layout.window)
        windows, reached, n = Windows(layout, n_history), n_history, 0
        while reached < total:
            start, fill, stop = windows.window(n, total)
            assert 0 <= start <= fill < stop <= total
            assert stop - start == min(layout.window, total)
            assert fill <= reached < stop  # no gap, and something new
            reached, n = stop, n + 1
        assert n <= total / layout.hop + 1

    @given(layouts, st.integers(0, 15), st.integers(1, 80), st.integers(0, 20))
    def test_they_lie_the_same_when_more_is_to_come(
        self, layout: FineLayout, n_history: int, frames: int, more: int
    ) -> None:
        windows = Windows(layout, min(n_history, layout.max_history))
        total = min(n_history, layout.max_history) + frames
        n = 0
        while windows.end(n) <= total:
            assert windows.window(n, total) == windows.window(n, total + more)
            n += 1

    @given(st.integers(1, 9), st.integers(0, 12), st.integers(0, 15), st.data(), st.integers(1, 90))
    def test_growing_windows_write_every_frame(
        self, hop: int, more: int, n_history: int, data: st.DataObject, frames: int
    ) -> None:
        first = data.draw(st.integers(1, hop))
        windows = Windows(FineLayout(hop + more, hop, 15, False, first), n_history)
        total, reached, written, n = n_history + frames, n_history, 0, 0
        while reached < total:
            start, fill, stop = windows.window(n, total)
            assert 0 <= start <= fill <= reached < stop <= total
            assert stop - start <= hop + more
            assert fill - start <= max(15, more // 2)
            if stop < total:
                assert windows.fill(n + 1, total) - fill == min(hop, first * 2**n)
                assert 0 <= stop - windows.fill(n + 1, total) <= more / 2
            reached, n, written = stop, n + 1, written + stop - fill
        assert written >= frames

    def test_growing_windows(self) -> None:
        windows = Windows(FineLayout(window=24, hop=8, max_history=12, pad_window=False, first_hop=2), 3)
        assert [windows.window(n, 60) for n in range(5)] == [
            (0, 3, 7),
            (0, 5, 13),
            (1, 9, 25),
            (9, 17, 33),
            (17, 25, 41),
        ]
        assert windows.window(4, 30) == (13, 25, 30)  # what little is left needs no more before it than a voice

    def test_suno(self) -> None:
        windows = Windows(FineLayout(), 100)
        assert [windows.window(n, 1800) for n in range(3)] == [(0, 100, 1024), (512, 612, 1536), (776, 1124, 1800)]

    def test_pup_has_context_on_both_sides(self) -> None:
        windows = Windows(FineLayout(window=24, hop=8, max_history=12, pad_window=False), 0)
        assert [windows.window(n, 50) for n in range(4)] == [(0, 0, 24), (8, 16, 32), (16, 24, 40), (24, 32, 48)]
        assert windows.window(4, 50) == (26, 40, 50)
        assert windows.window(0, 7) == (0, 0, 7)

    def test_pup_gives_up_history_for_what_comes_after(self) -> None:
        windows = Windows(FineLayout(window=24, hop=8, max_history=12, pad_window=False), 12)
        assert [windows.window(n, 40) for n in range(3)] == [(4, 12, 28), (12, 20, 36), (16, 28, 40)]
        assert windows.window(0, 20) == (0, 12, 20)


class TestPlaceholders:
    def test_pup(self, pup: ModelConfig) -> None:
        model, coarse, history = ScriptedFine(pup), codes_of(3, 30), codes_of(5, 20, 1)
        out = joined(FineStage(model, pup).generate(coarse, history, options=GREEDY))  # type: ignore[arg-type]
        known = np.concatenate([history[:, -12:], out], axis=1)
        assert out[:3].tolist() == coarse.tolist()
        for i, (codebook, seen) in enumerate(model.seen):
            start, fill, stop = Windows(pup.fine_layout, 12).window(i // 2, 42)
            assert codebook == 3 + i % 2
            assert seen[:3].tolist() == known[:3, start:stop].tolist()
            assert seen[:, : fill - start].tolist() == known[:, start:fill].tolist()
            assert seen[codebook:, fill - start :].eq(PAD).all()
            assert seen[:codebook].lt(PAD).all()

    def test_short_audio_is_padded_as_suno_trained(self, suno_like: ModelConfig) -> None:
        model, coarse = ScriptedFine(suno_like), codes_of(3, 5)
        out = joined(FineStage(model, suno_like).generate(coarse, options=GREEDY))  # type: ignore[arg-type]
        assert out.tolist() == [*coarse.tolist(), [3, 4, 5, 6, 7], [4, 5, 6, 7, 8]]
        (_, first), (_, second) = model.seen
        assert first[:, 5:].eq(PAD).all()
        assert second[3].tolist() == [(3 + t) % 16 for t in range(24)]  # pads have their codes predicted too

    def test_short_audio_is_not_padded_for_pup(self, pup: ModelConfig) -> None:
        model = ScriptedFine(pup)
        list(FineStage(model, pup).generate(codes_of(3, 5), options=GREEDY))  # type: ignore[arg-type]
        assert [seen.shape[1] for _, seen in model.seen] == [5, 5]

    def test_history_is_cut_and_not_given_back(self, stage: FineStage) -> None:
        coarse, history = codes_of(3, 40), codes_of(5, 30, 1)
        out = joined(stage.generate(coarse, history, options=GREEDY))
        assert out.shape == (5, 40)
        assert out.tolist() == joined(stage.generate(coarse, history[:, -12:], options=GREEDY)).tolist()
        assert out.tolist() != joined(stage.generate(coarse, options=GREEDY)).tolist()


class TestStream:
    @settings(max_examples=30, deadline=None)
    @given(sizes=st.lists(st.integers(0, 30), max_size=6), n_history=st.integers(0, 15), sampled=st.booleans())
    def test_is_the_batch(self, sizes: list[int], n_history: int, sampled: bool, stage: FineStage) -> None:
        coarse, history = codes_of(3, sum(sizes)), codes_of(5, n_history, 1)
        pieces = iter(np.split(coarse, np.cumsum(sizes[:-1]), axis=1)) if sizes else iter([])
        streamed, batch = (
            joined(
                stage.generate(
                    source, history, options=SAMPLED if sampled else GREEDY, generator=stage_generator(5, "fine")
                )
            )
            for source in (pieces, coarse)
        )
        assert streamed.tolist() == batch.tolist()
        assert batch.shape == (5, sum(sizes))
        assert batch[:3].tolist() == coarse.tolist()
        assert batch.size == 0 or 0 <= batch.min() <= batch.max() < 16

    def test_pieces_come_as_soon_as_they_settle(self, stage: FineStage) -> None:
        pulled = 0

        def source() -> Iterator[np.ndarray]:
            nonlocal pulled
            while pulled < 60:
                pulled += 1
                yield codes_of(3, 1, pulled)

        windows, settled = Windows(stage.layout, 0), 0
        for n, piece in enumerate(stage.generate(source(), options=GREEDY)):
            settled += piece.shape[1]
            if pulled < 60:
                assert settled == windows.fill(n + 1, 60)
                assert pulled == windows.end(n)
        assert pulled == 60

    def test_nothing_comes_of_nothing(self, stage: FineStage) -> None:
        assert list(stage.generate(codes_of(3, 0), codes_of(5, 8), options=GREEDY)) == []
        assert list(stage.generate(iter([]), options=GREEDY)) == []

    def test_seeds(self, stage: FineStage) -> None:
        def codes(seed: int) -> bytes:
            generator = stage_generator(seed, "fine")
            return joined(stage.generate(codes_of(3, 40), options=SAMPLED, generator=generator)).tobytes()

        assert codes(1) == codes(1)
        assert len({codes(seed) for seed in range(8)}) == 8

    def test_top_k_of_one_is_greedy(self, stage: FineStage) -> None:
        coarse = codes_of(3, 40)
        sampled = stage.generate(torch.from_numpy(coarse), options=SamplingOptions(0.5, top_k=1))
        assert joined(sampled).tolist() == joined(stage.generate(coarse, options=GREEDY)).tolist()

    def test_in_half_precision(self, pup: ModelConfig, make_lively: Any) -> None:
        stage = FineStage(make_lively(FineGPT(pup.fine)).bfloat16(), pup)
        assert joined(stage.generate(codes_of(3, 30), options=SAMPLED)).shape == (5, 30)

    def test_callers_arrays_stay_as_they_are(self, stage: FineStage) -> None:
        coarse, history = codes_of(3, 40), codes_of(5, 12, 1)
        copies = coarse.copy(), history.copy()
        list(stage.generate(coarse, history, options=GREEDY))
        assert coarse.tolist() == copies[0].tolist()
        assert history.tolist() == copies[1].tolist()


class TestErrors:
    @pytest.mark.parametrize("coarse", [codes_of(2, 4), np.full((3, 4), 16), np.zeros((3, 4)), np.zeros(4, int)])
    def test_coarse(self, coarse: np.ndarray, stage: FineStage) -> None:
        with pytest.raises(BarkError, match="coarse codes: expected"):
            stage.generate(coarse, options=GREEDY)
        pieces = stage.generate(iter([codes_of(3, 4), coarse]), options=GREEDY)
        with pytest.raises(BarkError, match="coarse codes: expected"):
            list(pieces)

    @pytest.mark.parametrize("history", [codes_of(3, 4), np.full((5, 4), -1)])
    def test_history(self, history: np.ndarray, stage: FineStage) -> None:
        with pytest.raises(VoiceError, match="fine history: expected"):
            stage.generate(codes_of(3, 4), history, options=GREEDY)

    def test_repetition(self, stage: FineStage) -> None:
        with pytest.raises(OptionError, match="repetition_window"):
            stage.generate(codes_of(3, 4), options=SamplingOptions(repetition_window=4))

    @pytest.mark.parametrize(
        ("layout", "sentence"),
        [
            (FineLayout(window=33, hop=8, max_history=0), "window ≤ 32, the model's block_size, got hop 8, window 33"),
            (FineLayout(window=8, hop=9, max_history=0), "hop ≤ window"),
            (FineLayout(window=8, hop=0, max_history=0), "hop must be at least 1, got 0"),
            (FineLayout(window=24, hop=12, max_history=13), "don't fit a window of 24"),
            (FineLayout(window=24, hop=8, max_history=0, pad_window=False, first_hop=9), "a first_hop of 9"),
            (FineLayout(window=24, hop=8, max_history=0, first_hop=4), "not with pad_window"),
        ],
    )
    def test_layouts(self, layout: FineLayout, sentence: str, model: FineGPT, pup: ModelConfig) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            FineStage(model, replace(pup, fine_layout=layout))

    @pytest.mark.parametrize(
        ("tokens", "sentence"),
        [
            ({"codebook_size": 17}, "a vocabulary of 17"),
            ({"n_codebooks": 6}, "6 codebooks"),
            ({"n_coarse": 1}, "codebooks from 2 on have a head, but 1 of 5 are coarse"),
        ],
    )
    def test_models_of_other_tokens(
        self, tokens: dict[str, int], sentence: str, model: FineGPT, pup: ModelConfig
    ) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            FineStage(model, replace(pup, tokens=replace(pup.tokens, **tokens)))
