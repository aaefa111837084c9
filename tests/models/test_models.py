"""What the engine relies on in the models: causality, positions, caches, rows of heads."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bark.engine import KVCache
from bark.errors import CheckpointError
from bark.models.config import SUNO_LARGE, SUNO_SMALL, FineGPTConfig, GPTConfig, GuardConfig, ModelConfig, SoundConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.models.layers import SelfAttention
from bark.options import GenerateOptions, SamplingOptions

CONFIG = GPTConfig(n_layer=3, n_head=2, n_embd=16, block_size=48, input_vocab=30, output_vocab=20)
FINE = FineGPTConfig(n_layer=2, n_head=2, n_embd=16, block_size=48, vocab=12, n_codebooks=4)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=[False, True], ids=["without biases", "with biases"])
def gpt(request: pytest.FixtureRequest) -> GPT:
    torch.manual_seed(0)
    shape = {**CONFIG.__dict__, "bias": request.param}
    return GPT(GPTConfig(**shape)).double().eval()


@pytest.fixture
def fine() -> FineGPT:
    torch.manual_seed(0)
    return FineGPT(FINE).double().eval()


def tokens(length: int, batch: int = 2, vocab: int = 30) -> Tensor:
    return torch.randint(vocab, (batch, length), generator=torch.Generator().manual_seed(1))


class TestGPT:
    def run(self, gpt: GPT, ids: Tensor, pieces: list[int], positions: Tensor) -> Tensor:
        """Reads the tokens in pieces of these lengths, with a cache."""
        cache = KVCache(gpt.config, 48, device=gpt.device, dtype=gpt.dtype, batch=len(ids))
        embedded = gpt.embed(ids)
        hidden = [gpt(x, at, cache) for x, at in zip(embedded.split(pieces, 1), positions.split(pieces), strict=True)]
        assert cache.length == ids.shape[1]
        return gpt.logits(torch.cat(hidden, dim=1))

    @pytest.mark.parametrize("pieces", [[12], [1] * 12, [5, 1, 1, 4, 1], [1, 11]])
    @pytest.mark.parametrize("jump", [0, 20])
    @pytest.mark.parametrize("grad", [False, True])
    def test_cached_is_uncached(self, pieces: list[int], jump: int, grad: bool, gpt: GPT) -> None:
        ids, positions = tokens(12), torch.arange(12)
        positions[7:] += jump
        with torch.set_grad_enabled(grad):
            whole = gpt.logits(gpt(gpt.embed(ids), positions))
            torch.testing.assert_close(self.run(gpt, ids, pieces, positions), whole)

    def test_what_comes_later_changes_nothing(self, gpt: GPT) -> None:
        ids = tokens(12)
        other = ids.clone()
        other[:, 6:] = (other[:, 6:] + 1) % 30
        first, second = (gpt(gpt.embed(x), torch.arange(12)) for x in (ids, other))
        torch.testing.assert_close(first[:, :6], second[:, :6])
        assert not torch.allclose(first[:, 6:], second[:, 6:])

    def test_rows_do_not_know_each_other(self, gpt: GPT) -> None:
        ids = tokens(9)
        both = gpt(gpt.embed(ids), torch.arange(9))
        torch.testing.assert_close(both[1:], gpt(gpt.embed(ids[1:]), torch.arange(9)))

    def test_positions_can_differ_by_row(self, gpt: GPT) -> None:
        ids, positions = tokens(5), torch.tensor([[0, 1, 2, 3, 4], [4, 9, 10, 20, 47]])
        both = gpt(gpt.embed(ids), positions)
        for row in range(2):
            torch.testing.assert_close(both[row], gpt(gpt.embed(ids[row : row + 1]), positions[row])[0])

    def test_rows_of_the_head(self, gpt: GPT) -> None:
        hidden = torch.randn(2, 3, 16, dtype=torch.float64)
        torch.testing.assert_close(gpt.logits(hidden, slice(4, 9)), gpt.logits(hidden)[..., 4:9])

    def test_says_where_and_what_it_is(self, gpt: GPT) -> None:
        assert gpt.device == torch.device("cpu")
        assert gpt.dtype == torch.float64
        assert gpt.bfloat16().dtype == torch.bfloat16


class TestFineGPT:
    def test_sees_both_ways(self, fine: FineGPT) -> None:
        codes = torch.randint(12, (1, 10, 4), generator=torch.Generator().manual_seed(0))
        other = codes.clone()
        other[0, 9, 0] = (other[0, 9, 0] + 1) % 12
        assert not torch.allclose(fine(2, codes)[0, 0], fine(2, other)[0, 0])

    @pytest.mark.parametrize("codebook", [1, 2, 3])
    def test_reads_no_later_codebook(self, codebook: int, fine: FineGPT) -> None:
        codes = torch.randint(12, (1, 10, 4), generator=torch.Generator().manual_seed(0))
        other = codes.clone()
        other[:, :, codebook + 1 :] = (other[:, :, codebook + 1 :] + 1) % 12
        torch.testing.assert_close(fine(codebook, codes), fine(codebook, other))
        other[:, :, codebook] = (other[:, :, codebook] + 1) % 12
        assert not torch.allclose(fine(codebook, codes), fine(codebook, other))

    def test_rows_of_the_head(self, fine: FineGPT) -> None:
        codes = torch.zeros(1, 3, 4, dtype=torch.int64)
        torch.testing.assert_close(fine(1, codes, slice(0, 5)), fine(1, codes)[..., :5])

    def test_heads_are_embeddings(self, fine: FineGPT) -> None:
        for i, head in enumerate(fine.lm_heads):
            assert head.weight is fine.wtes[i + 1].weight


class TestAttention:
    @pytest.mark.parametrize("causal", [False, True])
    def test_weights_are_those_that_are_used(self, causal: bool) -> None:
        torch.manual_seed(0)
        attention = SelfAttention(8, 2, bias=True, causal=causal).double()
        x = torch.randn(2, 6, 8, dtype=torch.float64)
        value = attention.c_attn(x).split(8, dim=2)[2].view(2, 6, 2, 4)
        heads = [attention.weights(x, head).double() @ value[:, :, head] for head in range(2)]
        torch.testing.assert_close(attention.c_proj(torch.cat(heads, dim=-1)), attention(x), atol=1e-6, rtol=1e-5)

    def test_width_is_a_multiple_of_the_heads(self) -> None:
        with pytest.raises(ValueError, match="n_embd 10 is not a multiple of n_head 4"):
            SelfAttention(10, 4, bias=False, causal=True)


class TestConfig:
    @pytest.mark.parametrize("config", [SUNO_SMALL, SUNO_LARGE])
    def test_there_and_back(self, config: ModelConfig) -> None:
        assert ModelConfig.from_dict(config.to_dict()) == config

    def test_what_suits_a_model(self) -> None:
        assert SUNO_LARGE.generation == GenerateOptions()
        values = {"min_eos_p": 0.4, "coarse": {"temperature": 0.5}}
        config = ModelConfig.from_dict({**SUNO_SMALL.to_dict(), "generation": values})
        assert config.generation == GenerateOptions(min_eos_p=0.4, coarse=SamplingOptions(temperature=0.5))
        assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config

    def test_alignment_heads(self) -> None:
        old = {name: value for name, value in SUNO_SMALL.to_dict().items() if name != "alignment_heads"}
        assert ModelConfig.from_dict(old).alignment_heads == ()
        known = ModelConfig.from_dict({**old, "alignment_heads": [[1, 0], [3, 0]]})
        assert known.alignment_heads == ((1, 0), (3, 0))
        assert ModelConfig.from_dict(json.loads(json.dumps(known.to_dict()))) == known

    def test_guards(self) -> None:
        assert SUNO_LARGE.guards == GuardConfig(surprise=None)
        known = ModelConfig.from_dict({**SUNO_SMALL.to_dict(), "guards": {"surprise": 2}})
        assert known.guards == GuardConfig(surprise=2)

    def test_sounds(self) -> None:
        assert SUNO_LARGE.sounds == SoundConfig()
        told = {
            "tags": {"[laughs]": 0.7, "[music]": 0.5},
            "shortest": 0.4,
            "longest": 6,
            "lengths": {"[music]": [2, 11]},
        }
        known = ModelConfig.from_dict({**SUNO_SMALL.to_dict(), "sounds": told})
        assert known.sounds == SoundConfig({"[laughs]": 0.7, "[music]": 0.5}, 0.4, 6, {"[music]": (2, 11)})
        assert [known.sounds.bounds(tag) for tag in ("[laughs]", "[Music]")] == [(0.4, 6), (2, 11)]
        assert SoundConfig({"[laughs]": 0.7}).bounds("[laughs]") == (0, float("inf"))
        assert ModelConfig.from_dict(known.to_dict()) == known
        assert ModelConfig.from_dict(json.loads(json.dumps(known.to_dict()))) == known

    def test_suno(self) -> None:
        shape = (24, 16, 1024, 1024)
        assert SUNO_LARGE.semantic == GPTConfig(*shape, 129_600, 10_048)
        assert SUNO_LARGE.coarse == GPTConfig(*shape, 12_096, 12_096)
        assert SUNO_LARGE.fine == FineGPTConfig(*shape, 1056)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"colour": 1}, "config.json: unknown setting colour"),
            ({"coarse_layout": {"strides": 1}}, "config.json: coarse_layout: unknown setting strides; known are"),
            ({"tokens": []}, "config.json: tokens: expected a table of settings, got list"),
            ({"fine": {"n_layer": 1}}, "config.json: fine: .*missing"),
            ({"generation": 1}, "config.json: generation: expected a table of settings, got int"),
            ({"generation": {"seeds": 1}}, "config.json: generation: unknown setting seeds"),
            ({"generation": {"coarse": {"top_k": 0}}}, "config.json: generation: coarse: top_k must be a whole number"),
            ({"generation": {"min_eos_p": 2}}, "config.json: generation: min_eos_p must be a number above 0"),
            (
                {"alignment_heads": [[12, 0]]},
                "there is no head 0 in layer 12; .* 12 layers of 12 heads",
            ),
            ({"alignment_heads": [[0, -1]]}, "alignment_heads: there is no head -1 in layer 0"),
            ({"alignment_heads": [1, 0]}, "alignment_heads: expected pairs of layer and head"),
            ({"alignment_heads": [[True, 0]]}, "alignment_heads: expected pairs of layer and head"),
            ({"sounds": {"tags": "[laughs]"}}, r"sounds: tags must be a table of temperatures, got '\[laughs\]'"),
            ({"sounds": {"tags": {"[laughs]": -1}}}, r"sounds: \[laughs\] must be a number above 0, got -1"),
            ({"sounds": {"longest": "long"}}, "sounds: longest must be a number above 0, got 'long'"),
            ({"sounds": {"louder": 2}}, "sounds: unknown setting louder"),
            ({"sounds": {"lengths": [1, 2]}}, r"sounds: lengths must be a table by tag, got \[1, 2\]"),
            ({"sounds": {"lengths": {"[x]": [1, 2]}}}, r"seconds of one of the tags, got \[1, 2\] for \[x\]"),
            ({"sounds": {"tags": {"[x]": 1}, "lengths": {"[x]": 2}}}, r"seconds of one of the tags, got 2 for \[x\]"),
            ({"sounds": {"tags": {"[x]": 1}, "lengths": {"[x]": [0, 2]}}}, r"lengths: \[x\] must be a number above 0"),
            ({"guards": {"surprise": 0}}, "guards: surprise must be a number above 0, got 0"),
            ({"guards": {"surprise": "much"}}, "guards: surprise must be a number above 0, got 'much'"),
            ({"guards": {"surprise": True}}, "guards: surprise must be a number above 0, got True"),
        ],
    )
    def test_errors(self, change: dict[str, object], sentence: str) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            ModelConfig.from_dict({**SUNO_SMALL.to_dict(), **change})
