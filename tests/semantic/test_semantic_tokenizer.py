"""Audio to semantic tokens, and finite scalar quantisation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bark.errors import AudioError
from bark.semantic.tokenizer import FiniteScalarQuantizer, SemanticTokenizer, SemanticTokenizerConfig

CONFIG = SemanticTokenizerConfig(n_mels=20, width=8, blocks=(1, 1), levels=(4, 3, 2))
LEVELS = st.lists(st.integers(2, 6), min_size=1, max_size=4).map(tuple)


@pytest.fixture(scope="module")
def tokenizer() -> SemanticTokenizer:
    torch.manual_seed(0)
    return SemanticTokenizer(CONFIG).eval().requires_grad_(False)


class TestEncode:
    @pytest.mark.parametrize("samples", [1, 239, 960, 961, 5003, 24_000])
    def test_shape(self, samples: int, tokenizer: SemanticTokenizer) -> None:
        tokens = tokenizer.encode(0.1 * torch.randn(2, samples))
        assert tokens.shape == (2, math.ceil(samples / 960))
        assert tokens.dtype == torch.int64
        assert 0 <= int(tokens.min()) <= int(tokens.max()) < CONFIG.vocab

    def test_nothing(self, tokenizer: SemanticTokenizer) -> None:
        assert tokenizer.encode(torch.zeros(2, 0)).shape == (2, 0)

    def test_silence(self, tokenizer: SemanticTokenizer) -> None:
        tokens = tokenizer.encode(torch.zeros(1, 960 * 20))
        assert (tokens[:, 6:-6] == tokens[:, 10:11]).all()

    def test_rows_do_not_mix(self, tokenizer: SemanticTokenizer) -> None:
        audio = torch.randn(3, 9600)
        assert torch.equal(tokenizer.encode(audio)[1:2], tokenizer.encode(audio[1:2]))

    @pytest.mark.parametrize("shape", [(960,), (1, 1, 960)])
    def test_not_batch_by_samples(self, shape: tuple[int, ...], tokenizer: SemanticTokenizer) -> None:
        with pytest.raises(AudioError, match=r"audio must be \[batch, samples\]"):
            tokenizer.encode(torch.zeros(shape))


def test_config() -> None:
    config = SemanticTokenizerConfig(rate=50, levels=[8, 5, 5])  # type: ignore[arg-type]  # as TOML gives them
    assert (config.hop, config.vocab, config.levels) == (480, 200, (8, 5, 5))


class TestQuantizer:
    @given(LEVELS)
    def test_every_token_comes_back(self, levels: tuple[int, ...]) -> None:
        quantizer = FiniteScalarQuantizer(levels)
        tokens = torch.arange(math.prod(levels))
        values = quantizer.decode(tokens)
        assert values.shape == (len(tokens), len(levels))
        assert float(values.min()) == -1.0
        assert float(values.max()) == 1.0
        # `encode` bounds with tanh; a little inside, so that ±1 has a finite inverse
        assert torch.equal(quantizer.encode(torch.atanh(values * 0.999)), tokens)

    @given(LEVELS, st.integers(0, 99))
    def test_forward_is_decode_of_encode(self, levels: tuple[int, ...], seed: int) -> None:
        quantizer = FiniteScalarQuantizer(levels)
        x = 3 * torch.randn(5, len(levels), generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(quantizer(x), quantizer.decode(quantizer.encode(x)).float())

    def test_by_hand(self) -> None:
        quantizer = FiniteScalarQuantizer((3, 2))
        assert quantizer.decode(torch.tensor([0, 1, 2, 3, 5])).tolist() == [[-1, -1], [0, -1], [1, -1], [-1, 1], [1, 1]]

    def test_extremes(self) -> None:
        quantizer = FiniteScalarQuantizer((4, 4))
        assert quantizer.encode(torch.tensor([[-1e9, -1e9], [1e9, 1e9]])).tolist() == [0, 15]

    def test_gradient_is_that_of_the_bounded_value(self) -> None:
        x = torch.tensor([[0.3, -0.7]], requires_grad=True)
        FiniteScalarQuantizer((4, 4))(x).sum().backward()
        assert x.grad is not None
        torch.testing.assert_close(x.grad, 1 - torch.tanh(x.detach()).square())
