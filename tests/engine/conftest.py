"""Tiny models in Suno's layout, alone and beside their 🤗 twins; and a causal model that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from bark.models.config import (
    SUNO_SMALL,
    CoarseLayout,
    FineGPTConfig,
    FineLayout,
    GPTConfig,
    ModelConfig,
    SemanticLayout,
)
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.tokens import TokenSpace


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny(config: ModelConfig = SUNO_SMALL, bias: bool = False) -> ModelConfig:
    """The same layout and vocabularies, but models of two narrow layers."""
    small = {"n_layer": 2, "n_head": 2, "n_embd": 16, "bias": bias}
    return replace(
        config,
        semantic=replace(config.semantic, **small),
        coarse=replace(config.coarse, **small),
        fine=replace(config.fine, **small),
    )


def lively(model: nn.Module, seed: int = 0) -> nn.Module:
    """Weights large enough that every position says something else; in double precision, so that no draw is a tie."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.35, generator=generator)
        else:
            nn.init.normal_(parameter, mean=1.0, std=0.2, generator=generator)
    return model.double().eval()


@pytest.fixture(scope="session")
def make_lively() -> Callable[..., nn.Module]:
    return lively


@pytest.fixture(scope="session")
def suno() -> ModelConfig:
    return tiny()


@pytest.fixture(scope="session")
def semantic_model(suno: ModelConfig) -> GPT:
    return lively(GPT(suno.semantic), 1)


@pytest.fixture(scope="session")
def coarse_model(suno: ModelConfig) -> GPT:
    return lively(GPT(suno.coarse), 2)


@pytest.fixture(scope="session")
def fine_model(suno: ModelConfig) -> FineGPT:
    return lively(FineGPT(suno.fine), 3)


@pytest.fixture(scope="session")
def pup() -> ModelConfig:
    """A small layout without pads, with three coarse codebooks and other rates than Suno's."""
    tokens = TokenSpace(
        sample_rate=16_000,
        semantic_rate=25.0,
        semantic_vocab=50,
        frame_rate=50.0,
        codebook_size=16,
        n_coarse=3,
        n_codebooks=5,
        text_offset=52,
        text_pad=90,
        semantic_pad=51,
        semantic_infer=91,
        coarse_semantic_pad=98,
        coarse_infer=99,
    )
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 16}
    return ModelConfig(
        name="pup-test",
        tokens=tokens,
        semantic=GPTConfig(**shape, block_size=64, input_vocab=92, output_vocab=52),
        coarse=GPTConfig(**shape, block_size=64, input_vocab=100, output_vocab=98),
        fine=FineGPTConfig(**shape, block_size=32, vocab=17, n_codebooks=5, n_given=2),
        semantic_layout=SemanticLayout(text_length=20, history_length=16, max_steps=40, pad_prompt=False),
        coarse_layout=CoarseLayout(semantic_window=10, max_history=36, stride=12, drop_history=0),
        fine_layout=FineLayout(window=24, hop=8, max_history=12, pad_window=False),
    )


class ScriptedGPT:
    """Stands for a GPT without weights: says what `script` says for the tokens and positions read so far."""

    device = torch.device("cpu")
    dtype = torch.float32
    cache_dtype = None
    token_step = None

    def __init__(self, config: GPTConfig, script: Callable[[list[int], list[int]], int]) -> None:
        self.config = replace(config, n_layer=1, n_head=1, n_embd=1)
        self.script = script
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.reads: list[int] = []

    def embed(self, tokens: Tensor) -> Tensor:
        return tokens[..., None].float()

    def __call__(self, embedded: Tensor, positions: Tensor, cache: object, tail: int) -> Tensor:
        keep = cache.length  # type: ignore[attr-defined]
        key = embedded[:, None]
        cache.append(0, key, key)  # type: ignore[attr-defined]
        self.tokens[keep:] = embedded[0, :, 0].long().tolist()
        self.positions[keep:] = positions.tolist()
        self.reads.append(embedded.shape[1])
        return torch.full((1, tail, 1), float(self.script(self.tokens, self.positions)))

    def logits(self, hidden: Tensor, rows: slice = slice(None)) -> Tensor:
        ids = torch.arange(self.config.output_vocab)[rows]
        return torch.where(ids == hidden.long(), 0.0, -1e4)


@pytest.fixture(scope="session")
def scripted() -> type[ScriptedGPT]:
    return ScriptedGPT
