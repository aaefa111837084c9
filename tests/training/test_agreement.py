"""Training and inference agree: for the same prompt the trainers see the logits that the engine's stages see.

The engine's stages are told what to say (`Forced`), step by step with their cache and their windows; the trainers see
the same tokens at once. Weights are large and in double precision, so that nothing agrees by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bark.engine import CoarseHistory, CoarseStage, FineStage, SemanticStage
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.text.tokenizer import TextTokenizer
from bark.training.coarse import CoarseTask, CoarseTaskConfig
from bark.training.corruption import Corruption
from bark.training.fine import FineTask, FineTaskConfig
from bark.training.loop import Batch
from bark.training.semantic import SemanticTask, SemanticTaskConfig
from bark.training.subwords import piece_of_character
from bark.training.tokenized import TokenClip, read_tokens

GREEDY = SamplingOptions(temperature=0)


def lively(model: nn.Module, seed: int = 0) -> None:
    """Weights large enough that every position says something else."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(1.0 if parameter.dim() == 1 else 0.0, 0.35, generator=generator)
    model.double().eval()


class Forced(GPT):
    """Says the tokens that it is told, and remembers what it would have said."""

    def tell(self, tokens: Sequence[int]) -> None:
        self.wanted = list(tokens)
        self.said: list[Tensor] = []

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        hidden = super().forward(*inputs, **named)
        self.said.append(super().logits(hidden[0, -1]))
        return hidden

    def logits(self, hidden: Tensor, rows: slice = slice(None)) -> Tensor:
        ids = torch.arange(self.config.output_vocab)[rows]
        return torch.where(ids == self.wanted[len(self.said) - 1], 0.0, -1e4)


def forced(model: GPT) -> Forced:
    """The same weights."""
    twin = Forced(model.config)
    twin.load_state_dict(model.state_dict())
    return twin.double().eval()


class TestSemantic:
    @pytest.fixture
    def task(self, data: Path, config: ModelConfig, prompted: float) -> SemanticTask:
        text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
        clips = read_tokens([data / "tokens" / "tones"], codes=False)
        settings = SemanticTaskConfig(
            batch_tokens=400, prompted=prompted, text_dropout=0.3, alignment_heads=((0, 1), (1, 0))
        )
        tokens, layout = config.tokens, config.semantic_layout
        task = SemanticTask(config.semantic, tokens, layout, text, clips, [1.0] * len(clips), settings)
        lively(task)
        return task

    @pytest.fixture
    def config(self, model_config: ModelConfig, pad_prompt: bool) -> ModelConfig:
        layout = replace(model_config.semantic_layout, pad_prompt=pad_prompt)
        return replace(model_config, semantic_layout=layout)

    @pytest.mark.parametrize("prompted", [0.0, 1.0])
    @pytest.mark.parametrize("pad_prompt", [False, True])
    def test_logits(self, task: SemanticTask, config: ModelConfig, prompted: float) -> None:
        model, tokens = forced(task.model), config.tokens
        batch = task.draw(np.random.default_rng(0))
        with torch.no_grad():
            logits, _ = task.logits(batch)
        for row in range(len(logits)):
            text, history, said, start = self._prompt(batch, row, config)
            assert bool(len(history)) == bool(prompted)
            model.tell([*said, tokens.semantic_eos])
            spoken = SemanticStage(model, config).generate(text, history, options=GREEDY, min_eos_p=None)
            assert list(spoken) == said
            ours = torch.stack(model.said)
            theirs = logits[row, start : start + len(said) + 1]
            torch.testing.assert_close(theirs, ours[:, : theirs.shape[1]], rtol=1e-9, atol=1e-9)

    @staticmethod
    def _prompt(batch: Batch, row: int, config: ModelConfig) -> tuple[list[int], list[int], list[int], int]:
        """Text ids, history and what is said, read off a row; and where the infer token is."""
        tokens = config.tokens
        inputs, history, targets = (batch[name][row].tolist() for name in ("tokens", "history", "targets"))
        start = inputs.index(tokens.semantic_infer)
        text = [token - tokens.text_offset for token in inputs[:start] if token != tokens.text_pad]
        before = [token for token in history[:start] if token != tokens.semantic_pad]
        said = targets[start : targets.index(tokens.semantic_eos)]
        return text, before, said, start

    @pytest.mark.parametrize("prompted", [1.0])
    @pytest.mark.parametrize("pad_prompt", [False])
    def test_what_is_read_may_be_spoiled(self, task: SemanticTask, data: Path, config: ModelConfig) -> None:
        """Only what is read after the prompt, and with tokens of the same clip."""
        clips = read_tokens([data / "tokens" / "tones"], codes=False)
        settings = replace(task._config, corruption=Corruption(rows=1.0, tokens=0.8))
        text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
        spoiled = SemanticTask(
            config.semantic, config.tokens, config.semantic_layout, text, clips, [1.0] * len(clips), settings
        )
        batch = spoiled.draw(np.random.default_rng(0))
        seen = 0
        for row in range(len(batch["tokens"])):
            _, _, said, start = self._prompt(batch, row, config)
            read = batch["tokens"][row, start + 1 : start + 1 + len(said)].tolist()
            assert set(read) <= set(said)
            assert any(clip.semantic.tolist() == said for clip in clips)
            seen += read != said
        assert seen > 1

    @pytest.mark.parametrize("prompted", [0.5])
    @pytest.mark.parametrize("pad_prompt", [False])
    def test_tags_tell_whose_voice_it_is(self, task: SemanticTask, data: Path, config: ModelConfig) -> None:
        """Of rows without a history only, and what sounds when stays the same."""
        clips = read_tokens([data / "tokens" / "tones"], codes=False)
        women = {clip.voice for clip in clips[:1]}
        named = [replace(clip, voice="af_a" if clip.voice in women else "am_b+bm_c") for clip in clips]
        settings = replace(task._config, tagged=1.0, text_dropout=0.0)
        text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
        tagged = SemanticTask(
            config.semantic, config.tokens, config.semantic_layout, text, named, [1.0] * len(named), settings
        )
        batch = tagged.draw(np.random.default_rng(0))
        told = 0
        for row in range(len(batch["tokens"])):
            ids, history, said, start = self._prompt(batch, row, config)
            clip = next(clip for clip in named if clip.semantic.tolist() == said)
            tag = "" if history else "[woman] " if clip.voice == "af_a" else "[man] "
            assert text.decode(ids).strip() == tag + clip.text
            plain = piece_of_character(np.asarray(text.pieces(clip.text)), clip.characters)
            moved = batch["spoken"][row, start : start + len(said)].numpy()
            more = len(text.pieces(tag + clip.text)) - len(text.pieces(clip.text))
            assert np.array_equal(moved, np.where(plain < 0, -1, plain + more))
            told += bool(tag)
        assert 0 < told < len(batch["tokens"])

    @pytest.mark.parametrize("prompted", [1.0])
    @pytest.mark.parametrize("pad_prompt", [False])
    @pytest.mark.parametrize("mixed", [0.0, 1.0])
    def test_a_history_may_be_anybodys(self, task: SemanticTask, data: Path, config: ModelConfig, mixed: float) -> None:
        """Every clip in a voice of its own: a history of that voice would be of the clip itself, so there is none."""
        clips = [
            replace(clip, voice=str(number))
            for number, clip in enumerate(read_tokens([data / "tokens" / "tones"], codes=False))
        ]
        text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
        mixing = SemanticTask(
            *(config.semantic, config.tokens, config.semantic_layout, text),
            *(clips, [1.0] * len(clips), replace(task._config, mixed=mixed)),
        )
        batch = mixing.draw(np.random.default_rng(0))
        prompts = [self._prompt(batch, row, config) for row in range(len(batch["tokens"]))]
        assert any(len(history) for _, history, _, _ in prompts) == bool(mixed)

    @pytest.mark.parametrize("prompted", [1.0])
    @pytest.mark.parametrize("pad_prompt", [False])
    def test_the_text_is_the_clips(self, task: SemanticTask, data: Path, config: ModelConfig) -> None:
        text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
        clips = {tuple(c.semantic): c for c in read_tokens([data / "tokens" / "tones"], codes=False)}
        endings = {c.voice: [] for c in clips.values()}
        for clip in clips.values():
            endings[clip.voice].append(tuple(clip.semantic))
        batch = task.draw(np.random.default_rng(1))
        for row in range(len(batch["tokens"])):
            ids, history, said, _ = self._prompt(batch, row, config)
            clip = clips[tuple(said)]
            assert text.decode(ids).strip() == clip.text
            assert any(whole[-len(history) :] == tuple(history) for whole in endings[clip.voice])


def flat(clip: TokenClip, config: ModelConfig) -> np.ndarray:
    assert clip.codes is not None
    return config.tokens.flatten_coarse(clip.codes[: config.tokens.n_coarse])


def made_up(seed: int, length: int, config: ModelConfig, voice: str = "v") -> TokenClip:
    """Random tokens; each coarse code tells its frame, so that a shifted window is seen."""
    rng, tokens = np.random.default_rng(seed), config.tokens
    frames = length * round(tokens.frame_rate / tokens.semantic_rate)
    codes = rng.integers(0, tokens.codebook_size, (tokens.n_codebooks, frames))
    semantic = rng.integers(0, tokens.semantic_vocab, length)
    return TokenClip(str(seed), "text", voice, False, semantic, np.full(length, -1), codes)


class TestCoarse:
    @pytest.fixture
    def task(self, model_config: ModelConfig) -> CoarseTask:
        clips = [made_up(seed, 60, model_config, voice=str(seed)) for seed in range(3)]
        config = CoarseTaskConfig(batch=8, from_start=0.3)
        shape, tokens, layout = model_config.coarse, model_config.tokens, model_config.coarse_layout
        task = CoarseTask(shape, tokens, layout, clips, [1.0] * 3, config)
        lively(task)
        return task

    @pytest.mark.parametrize("history", [0, 5, 8, 40])
    @pytest.mark.parametrize("length", [1, 7, 45])
    def test_logits(self, length: int, history: int, task: CoarseTask, model_config: ModelConfig) -> None:
        """Window after window of an utterance, alone and after a voice, is a row that the trainer could draw."""
        clip, before = made_up(10, length, model_config), made_up(11, history, model_config)
        assert before.codes is not None
        model, layout = forced(task.model), model_config.coarse_layout
        stage = CoarseStage(model, model_config)
        voice = CoarseHistory(before.semantic, before.codes[: model_config.tokens.n_coarse]) if history else None
        wanted = flat(clip, model_config)
        model.tell(wanted.tolist())
        pieces = list(stage.generate(clip.semantic, voice, options=GREEDY))
        assert np.array_equal(model_config.tokens.flatten_coarse(np.concatenate(pieces, 1)), wanted)
        kept = min(stage.max_semantic_history, history - history % 2)
        semantic = np.concatenate([before.semantic[history - kept :], clip.semantic])
        coarse = np.concatenate([flat(before, model_config)[(history - kept) * 4 :], wanted])
        for step in range(0, len(wanted), layout.stride):
            start = max(0, kept + step // 4 - stage.max_semantic_history)
            row = self._row(semantic[start:], coarse[start * 4 :], model_config)
            theirs = self._interleaved(task, row)[kept * 4 + step - start * 4 :]
            for i, said in enumerate(model.said[step : step + layout.stride]):
                rows = model_config.tokens.coarse_rows(i % 2)
                torch.testing.assert_close(theirs[i], said[rows], rtol=1e-9, atol=1e-9)

    @staticmethod
    def _row(semantic: np.ndarray, coarse: np.ndarray, config: ModelConfig) -> Batch:
        layout = config.coarse_layout
        window = np.full(layout.semantic_window, config.tokens.coarse_semantic_pad)
        window[: len(semantic[: layout.semantic_window])] = semantic[: layout.semantic_window]
        written = np.full(layout.max_history + layout.stride, -1)
        written[: len(coarse[: len(written)])] = coarse[: len(written)]
        return {"semantic": torch.from_numpy(window)[None], "coarse": torch.from_numpy(written)[None]}

    @staticmethod
    def _interleaved(task: CoarseTask, batch: Batch) -> Tensor:
        """Logits [T, codebook_size], in the order of the tokens."""
        with torch.no_grad():
            first, second = task.logits(batch)
        return torch.stack([first[0], second[0]], 1).flatten(0, 1)

    def test_draws_are_such_windows(self, task: CoarseTask, model_config: ModelConfig) -> None:
        """The first coarse token of a row is of its first semantic token, and half of the rows begin in the middle."""
        clips = [made_up(seed, 60, model_config) for seed in range(3)]
        starts = []
        for seed in range(6):
            batch = task.draw(np.random.default_rng(seed))
            for semantic, coarse in zip(batch["semantic"].numpy(), batch["coarse"].numpy(), strict=True):
                found = [self._place(semantic, coarse, clip, model_config) for clip in clips]
                starts += [place for place in found if place is not None]
        assert len(starts) == 6 * 8
        assert starts.count(0) > 6
        assert len(set(starts)) > 15

    def test_what_is_read_may_be_spoiled(self, task: CoarseTask, model_config: ModelConfig) -> None:
        """What is to be written stays true; after a spoiled code of a frame nothing is asked of its later codes."""
        clips = [made_up(seed, 60, model_config, voice=str(seed)) for seed in range(3)]
        settings = CoarseTaskConfig(batch=8, corruption=Corruption(rows=1.0, tokens=0.5))
        shape, tokens, layout = model_config.coarse, model_config.tokens, model_config.coarse_layout
        spoiled = CoarseTask(shape, tokens, layout, clips, [1.0] * 3, settings)
        lively(spoiled)
        spoiled.load_state_dict(task.state_dict())
        batch = spoiled.draw(np.random.default_rng(0))
        true, read = batch["coarse"], batch["read"]
        assert bool((true != read).any())
        assert torch.equal(true < 0, read < 0)
        as_read = {"semantic": batch["semantic"], "coarse": read}
        for found, wanted in zip(spoiled.logits(batch), task.logits(as_read), strict=True):
            torch.testing.assert_close(found, wanted)
        first, second = spoiled.logits(batch)
        kept = (true[:, 0::2] == read[:, 0::2]) & (true[:, 1::2] >= 0)
        wanted = nn.functional.cross_entropy(second[kept], true[:, 1::2][kept] - tokens.coarse_rows(1).start)
        torch.testing.assert_close(spoiled(batch)["book_1"].double(), wanted, rtol=1e-5, atol=1e-5)
        said = true[:, 0::2] >= 0
        wanted = nn.functional.cross_entropy(first[said], true[:, 0::2][said] - tokens.coarse_rows(0).start)
        torch.testing.assert_close(spoiled(batch)["book_0"].double(), wanted, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("passes", [1, 3])
    def test_own_words_are_read(self, task: CoarseTask, model_config: ModelConfig, passes: int) -> None:
        """From some frame on a row reads the likeliest codes after what it read in the pass before."""
        clips = [made_up(seed, 60, model_config, voice=str(seed)) for seed in range(3)]
        settings = CoarseTaskConfig(batch=8, own=0.7, own_passes=passes, own_temperature=1e-6)
        shape, tokens, layout = model_config.coarse, model_config.tokens, model_config.coarse_layout
        own = CoarseTask(shape, tokens, layout, clips, [1.0] * 3, settings)
        lively(own)
        own.load_state_dict(task.state_dict())
        batch = own.draw(np.random.default_rng(0))
        torch.manual_seed(0)
        true, read = batch["coarse"], own.read_own(batch)
        assert torch.equal(true < 0, read < 0)
        changed = [
            int((row != it).nonzero()[0]) if bool((row != it).any()) else -1 for row, it in zip(true, read, strict=True)
        ]
        assert -1 in changed and len(set(changed)) > 3, "some rows read the truth, others from frames of their own"
        before = true.clone()
        for _ in range(passes):
            said = torch.stack(
                [
                    each.argmax(-1) + tokens.coarse_rows(k).start
                    for k, each in enumerate(own.logits({**batch, "read": before}))
                ],
                -1,
            ).flatten(1)
            for row, start in enumerate(changed):
                if start >= 0:
                    start -= start % 2
                    before[row, start:] = torch.where(true[row, start:] < 0, -1, said[row, start:])
        assert torch.equal(before, read)
        own.train()
        assert math.isfinite(float(own(batch)["loss"].detach()))

    def _place(self, semantic: np.ndarray, coarse: np.ndarray, clip: TokenClip, config: ModelConfig) -> int | None:
        for start in range(len(clip.semantic)):
            row = self._row(clip.semantic[start:], flat(clip, config)[start * 4 :], config)
            if np.array_equal(row["semantic"][0], semantic) and np.array_equal(row["coarse"][0], coarse):
                return start
        return None

    def test_whole_frames_at_any_rate(self, model_config: ModelConfig) -> None:
        """At 49.9 Hz a semantic token is worth 3.006 coarse tokens, but a row still begins with codebook 0."""
        tokens = replace(model_config.tokens, semantic_rate=49.9, frame_rate=75.0)
        config = replace(model_config, tokens=tokens)
        codes = np.random.default_rng(0).integers(0, 16, (4, 120))
        clip = TokenClip("a", "text", "v", False, np.arange(80) % 16, np.full(80, -1), codes)
        settings = CoarseTaskConfig(batch=16, from_start=0.0)
        task = CoarseTask(config.coarse, tokens, config.coarse_layout, [clip], [1.0], settings)
        coarse = task.draw(np.random.default_rng(0))["coarse"]
        first, second = coarse[:, ::2], coarse[:, 1::2]
        assert bool((((first >= 16) & (first < 32)) | (first < 0)).all())
        assert bool(((second >= 32) | (second < 0)).all())
        assert np.isfinite(float(task({**task.draw(np.random.default_rng(1))})["loss"].detach()))


class Remembering(FineGPT):
    """Fills in codes by a rule, and remembers what it read and would have said."""

    def forget(self) -> None:
        self.calls: list[tuple[int, Tensor, Tensor]] = []

    def forward(self, codebook: int, codes: Tensor, rows: slice = slice(None), tail: int | None = None) -> Tensor:
        said = super().forward(codebook, codes, rows)
        self.calls.append((codebook, codes.clone(), said))
        wanted = by_rule(codes[0, :, :2].T.numpy(), self.config.n_codebooks)[codebook]
        ids = torch.arange(said.shape[-1])
        scripted = torch.where(ids == torch.from_numpy(wanted)[:, None], 0.0, -1e4)[None]
        return scripted if tail is None else scripted[:, -tail:]


def by_rule(coarse: np.ndarray, n_codebooks: int) -> np.ndarray:
    """Codes [n_codebooks, T] that follow from the first two."""
    return np.stack([*coarse, *((3 * coarse[0] + coarse[1] + k) % 16 for k in range(2, n_codebooks))])


def known_frames(seen: Tensor, codebook: int, config: ModelConfig) -> int:
    """Frames at the beginning of a window [1, T, K] that have the codebook."""
    return int((seen[0, :, codebook] != config.tokens.fine_pad).long().cumprod(0).sum())


class TestFine:
    @pytest.fixture
    def config(self, model_config: ModelConfig, pad_window: bool) -> ModelConfig:
        return replace(model_config, fine_layout=replace(model_config.fine_layout, pad_window=pad_window))

    @pytest.fixture
    def task(self, config: ModelConfig) -> FineTask:
        clips = [replace(made_up(s, 60, config), codes=self._codes(s, 120)) for s in range(2)]
        task = FineTask(
            config.fine, config.tokens, config.fine_layout, clips, [1.0] * 2, FineTaskConfig(batch=64, continued=0.8)
        )
        lively(task)
        return task

    @staticmethod
    def _codes(seed: int, frames: int) -> np.ndarray:
        return by_rule(np.random.default_rng(seed).integers(0, 16, (2, frames)), 4)

    @pytest.mark.parametrize("pad_window", [False, True])
    @pytest.mark.parametrize("history", [0, 9, 50])
    @pytest.mark.parametrize("length", [1, 30, 77])
    def test_logits(self, length: int, history: int, task: FineTask, config: ModelConfig) -> None:
        """Every window and codebook of an utterance, alone and after a voice, is a row that the trainer could draw."""
        model = Remembering(config.fine)
        model.load_state_dict(task.model.state_dict())
        model.double().eval().forget()
        wanted = self._codes(5, length)
        voice = self._codes(6, history) if history else None
        pieces = list(FineStage(model, config).generate(wanted[:2], voice, options=GREEDY))
        assert np.array_equal(np.concatenate(pieces, 1), wanted)
        compared = 0
        for codebook, seen, said in model.calls:
            batch, written, whole = self._batch(seen, codebook, config)
            if codebook > 2 and not whole:
                continue  # after the end Suno's windows read their own guesses, of which the trainer knows nothing
            compared += 1
            with torch.no_grad():
                logits, targets = task.logits(batch)
            assert torch.equal(targets[0] >= 0, written)
            torch.testing.assert_close(logits[0][written], said[0][written], rtol=1e-9, atol=1e-9)
        assert compared

    @staticmethod
    def _batch(seen: Tensor, codebook: int, config: ModelConfig) -> tuple[Batch, Tensor, bool]:
        """What the trainer would be given for the window, which frames it writes, [T], and whether it has no pads."""
        pad = config.tokens.fine_pad
        audible = seen[0, :, 0] != pad
        codes = torch.from_numpy(by_rule(torch.where(audible, seen[0, :, :2].T, 0).numpy(), 4)).T.clone()
        codes[~audible] = pad
        known = known_frames(seen, codebook, config)
        written = (torch.arange(len(codes)) >= known) & audible
        return {"codes": codes[None, :, : codebook + 1], "known": torch.tensor([known])}, written, bool(audible.all())

    @pytest.mark.parametrize("pad_window", [False, True])
    def test_draws(self, task: FineTask, config: ModelConfig) -> None:
        """Rows are windows of joined clips; as many frames are known as in the engine, or none."""
        known: set[int] = set()
        for seed in range(30):
            batch = task.draw(np.random.default_rng(seed))
            codes = batch["codes"].numpy()
            assert 3 <= codes.shape[2] <= 4
            assert codes.shape[1] == 40 or not config.fine_layout.pad_window
            for row in codes:
                audible = row[row[:, 0] != config.tokens.fine_pad]
                assert np.array_equal(audible.T, by_rule(audible.T[:2], 4)[: codes.shape[2]])
                assert 10 <= len(audible) <= 40
            known |= set(batch["known"].tolist())
        assert 0 in known
        assert abs(max(self._known_by_engine(config)) - max(known)) <= 2  # the largest is seldom drawn

    def _known_by_engine(self, config: ModelConfig) -> Iterator[int]:
        """Frames known in all codebooks at the beginning of the engine's windows."""
        model = Remembering(config.fine).double().eval()
        for length in range(1, 120, 7):
            for history in (0, 9, 50):
                model.forget()
                voice = self._codes(6, history) if history else None
                list(FineStage(model, config).generate(self._codes(5, length)[:2], voice, options=GREEDY))
                yield from (known_frames(seen, codebook, config) for codebook, seen, _ in model.calls)


def test_the_target_is_not_seen(model_config: ModelConfig) -> None:
    """What is to be predicted changes no logit of the fine model, in any frame that is to be written."""
    clips = [made_up(0, 60, model_config)]
    task = FineTask(model_config.fine, model_config.tokens, model_config.fine_layout, clips, [1.0], FineTaskConfig())
    lively(task)
    batch = task.draw(np.random.default_rng(0))
    with torch.no_grad():
        logits, targets = task.logits(batch)
        changed = batch["codes"].clone()
        changed[..., -1] = torch.where(targets >= 0, (changed[..., -1] + 1) % 16, changed[..., -1])
        again, _ = task.logits({**batch, "codes": changed})
    assert torch.equal(logits, again)
