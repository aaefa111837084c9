"""The models' logits and the stages' greedy tokens are those of 🤗 transformers, weight for weight."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bark.engine import CoarseHistory, CoarseStage, FineStage, SemanticStage
from bark.models.config import FineGPTConfig, GPTConfig, ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from benchmarks.weights import HUGGINGFACE

pytest.importorskip("transformers")
import transformers.utils

# 🤗 imports torchaudio wherever it is installed, also a build that doesn't load beside this torch; Bark needs none
transformers.utils.is_torchaudio_available = lambda: False
from transformers.models.bark import modeling_bark as hf  # noqa: E402
from transformers.models.bark.configuration_bark import (  # noqa: E402
    BarkCoarseConfig,
    BarkFineConfig,
    BarkSemanticConfig,
)
from transformers.models.bark.generation_configuration_bark import (  # noqa: E402
    BarkCoarseGenerationConfig,
    BarkFineGenerationConfig,
    BarkSemanticGenerationConfig,
)

pytestmark = pytest.mark.filterwarnings("ignore")

Lively = Callable[..., Any]
GREEDY = SamplingOptions(temperature=0)


def give_weights(ours: nn.Module, theirs: nn.Module) -> None:
    renamed = {}
    for name, value in ours.state_dict().items():
        for pattern, replacement in HUGGINGFACE.items():
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    missing, unexpected = theirs.load_state_dict(renamed, strict=False)
    assert not unexpected
    assert all(name.endswith("attn.bias") for name in missing), missing  # the mask


def twin(ours: GPT | FineGPT, model_class: type, config_class: type) -> Any:
    c = ours.config
    shape = {"num_layers": c.n_layer, "num_heads": c.n_head, "hidden_size": c.n_embd}
    if isinstance(c, GPTConfig):
        shape |= {"input_vocab_size": c.input_vocab, "output_vocab_size": c.output_vocab}
    else:
        shape |= {"input_vocab_size": c.vocab, "output_vocab_size": c.vocab, "n_codes_total": c.n_codebooks}
        shape |= {"n_codes_given": c.n_given}
    theirs = model_class(config_class(**shape, block_size=c.block_size, bias=c.bias, dropout=0.0))
    give_weights(ours, theirs)
    return theirs.to(ours.wpe.weight.dtype).eval()


@pytest.fixture(scope="module")
def hf_semantic(semantic_model: GPT) -> Any:
    return twin(semantic_model, hf.BarkSemanticModel, BarkSemanticConfig)


@pytest.fixture(scope="module")
def hf_coarse(coarse_model: GPT) -> Any:
    model = twin(coarse_model, hf.BarkCoarseModel, BarkCoarseConfig)
    # 🤗 forbids codebook 1 what comes before its rows, but not what comes after; the original forbids both
    with torch.no_grad():
        model.lm_head.weight[12_048:] = 0
    return model


@pytest.fixture(scope="module")
def hf_fine(fine_model: FineGPT) -> Any:
    return twin(fine_model, hf.BarkFineModel, BarkFineConfig)


@contextmanager
def heads_of(*heads: nn.Module) -> Iterator[list[Tensor]]:
    """What 🤗's heads say meanwhile, [T, V] each time."""
    said: list[Tensor] = []
    handles = [head.register_forward_hook(lambda _m, _i, out: said.append(out[0].detach())) for head in heads]
    yield said
    for handle in handles:
        handle.remove()


@contextmanager
def logits_of(model: nn.Module, name: str) -> Iterator[list[Tensor]]:
    """What our model says meanwhile."""
    said: list[Tensor] = []
    method = getattr(model, name)

    def listen(*args: Any, **named: Any) -> Tensor:
        said.append(method(*args, **named))
        return said[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, name, listen)
        yield said


def close(ours: Tensor, theirs: Tensor) -> None:
    """In double precision, so that nothing but the same computation passes."""
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)


class TestModels:
    @pytest.mark.parametrize("bias", [False, True])
    def test_causal_logits(self, bias: bool, make_lively: Lively) -> None:
        model = make_lively(GPT(GPTConfig(3, 4, 32, 64, 200, 150, bias)))
        theirs = twin(model, hf.BarkCoarseModel, BarkCoarseConfig)
        tokens = torch.randint(200, (2, 40), generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            close(model.logits(model(model.embed(tokens), torch.arange(40))), theirs(tokens).logits)

    @pytest.mark.parametrize("bias", [False, True])
    @pytest.mark.parametrize("n_given", [1, 2])
    def test_fine_logits(self, bias: bool, n_given: int, make_lively: Lively) -> None:
        model = make_lively(FineGPT(FineGPTConfig(3, 4, 32, 64, 40, 6, n_given, bias)))
        theirs = twin(model, hf.BarkFineModel, BarkFineConfig)
        codes = torch.randint(40, (2, 50, 6), generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            for codebook in range(n_given, 6):
                close(model(codebook, codes), theirs(codebook, codes).logits)


class TestSemantic:
    TEXT = np.arange(400, 4000, 257)

    def theirs(self, model: Any, history: list[int] | None, **settings: Any) -> tuple[list[int], list[Tensor]]:
        text = torch.zeros(1, 256, dtype=torch.long)
        text[0, : len(self.TEXT)] = torch.from_numpy(self.TEXT)
        mask = (torch.arange(256) < len(self.TEXT)).long()[None]
        voice = None if history is None else {"semantic_prompt": torch.tensor(history)}
        config = BarkSemanticGenerationConfig(**settings)
        with heads_of(model.lm_head) as said:
            tokens = model.generate(text, config, voice, mask)[0].tolist()
        return [t for t in tokens if t != 10_000], said

    @pytest.mark.parametrize("history", [None, list(range(7, 4000, 70)), list(range(0, 9999, 9))])
    def test_tokens_and_logits(
        self, history: list[int] | None, semantic_model: GPT, hf_semantic: Any, suno: ModelConfig
    ) -> None:
        theirs, their_logits = self.theirs(hf_semantic, history, max_new_tokens=120)
        stage = SemanticStage(semantic_model, suno)
        with logits_of(semantic_model, "logits") as said:
            ours = list(stage.generate(self.TEXT, history, options=GREEDY, min_eos_p=None, max_duration=119.5 / 49.9))
        assert ours == theirs
        assert len(set(ours)) > 15  # or a wrong position would not be seen
        for own, logits in zip(said, their_logits, strict=True):
            close(own, logits[-1, :10_001])

    def test_early_end(self, semantic_model: GPT, hf_semantic: Any, suno: ModelConfig) -> None:
        tokens, logits = self.theirs(hf_semantic, None, max_new_tokens=60)
        ends = torch.stack([row[-1, :10_001].softmax(-1)[-1] for row in logits])
        likeliest = int(ends[5:].argmax()) + 5
        min_eos_p = float(ends[likeliest]) * 0.999
        first = int((ends >= min_eos_p).nonzero()[0])
        stage = SemanticStage(semantic_model, suno)
        ours = list(stage.generate(self.TEXT, options=GREEDY, min_eos_p=min_eos_p))
        assert ours == tokens[:first]
        assert ours == self.theirs(hf_semantic, None, max_new_tokens=60, min_eos_p=min_eos_p)[0]


class TestCoarse:
    @pytest.mark.parametrize(
        ("n_semantic", "n_before"),
        [(232, 0), (40, 17), (50, 331), (1, 0)],
        ids=["the window moves", "odd history", "long history", "one token"],
    )
    def test_tokens_and_logits(
        self, n_semantic: int, n_before: int, coarse_model: GPT, hf_coarse: Any, suno: ModelConfig
    ) -> None:
        rng = np.random.default_rng(n_semantic)
        semantic = rng.integers(10_000, size=n_semantic)
        before = rng.integers(10_000, size=n_before)
        codes = rng.integers(1024, size=(2, int(n_before * 75 / 49.9)))
        voice = {"semantic_prompt": torch.from_numpy(before), "coarse_prompt": torch.from_numpy(codes)}
        with heads_of(hf_coarse.lm_head) as their_logits:
            theirs = hf_coarse.generate(
                torch.from_numpy(semantic)[None],
                BarkSemanticGenerationConfig(),
                BarkCoarseGenerationConfig(),
                history_prompt=voice if n_before else None,
            )
        stage = CoarseStage(coarse_model, suno)
        history = CoarseHistory(before, codes) if n_before else None
        with logits_of(coarse_model, "logits") as our_logits:
            ours = np.concatenate(list(stage.generate(semantic, history, options=GREEDY)), axis=1)
        assert suno.tokens.flatten_coarse(ours).tolist() == theirs[0].tolist()
        assert len(np.unique(ours)) > 0.1 * ours.size
        for i, (mine, logits) in enumerate(zip(our_logits, their_logits, strict=True)):
            close(mine, logits[-1, suno.tokens.coarse_rows(i % 2)])


class TestFine:
    @pytest.mark.parametrize(
        ("n_frames", "n_before"),
        [(70, 0), (300, 600), (1024, 0), (1100, 0), (600, 512), (1700, 100)],
    )
    def test_tokens_and_logits(
        self, n_frames: int, n_before: int, fine_model: FineGPT, hf_fine: Any, suno: ModelConfig
    ) -> None:
        rng = np.random.default_rng(n_frames)
        coarse = rng.integers(1024, size=(2, n_frames))
        before = rng.integers(1024, size=(8, n_before))
        flat = torch.from_numpy(suno.tokens.flatten_coarse(coarse))
        with heads_of(*hf_fine.lm_heads[1:]) as their_logits:
            theirs = hf_fine.generate(
                flat[None],
                BarkSemanticGenerationConfig(),
                BarkCoarseGenerationConfig(),
                BarkFineGenerationConfig(),
                history_prompt={"fine_prompt": torch.from_numpy(before)} if n_before else None,
            )
        stage = FineStage(fine_model, suno)
        with logits_of(fine_model, "forward") as our_logits:
            pieces = list(stage.generate(coarse, before if n_before else None, options=GREEDY))
        assert np.concatenate(pieces, axis=1).tolist() == theirs[0].tolist()
        for mine, logits in zip(our_logits, their_logits, strict=True):
            close(mine[0], logits[-mine.shape[1] :, :1024])  # of the frames that are written
