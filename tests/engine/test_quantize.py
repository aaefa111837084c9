"""Weights in few bytes say nearly the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bark import mapped
from bark.engine import quantize as module
from bark.engine.kv_cache import KVCache
from bark.engine.quantize import FEW_ROWS, HalfLinear, Int8Linear, choose_quantize, pack
from bark.errors import OptionError
from bark.models import int8
from bark.models.config import FineGPTConfig, GPTConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT

CPU = torch.device("cpu")
SHAPE = GPTConfig(2, 4, 64, 64, input_vocab=80, output_vocab=70)
WAYS = [(torch.float32, None), (torch.float32, "int8"), (torch.bfloat16, None), (torch.float16, None)]


def gpt(bias: bool = False) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(2, 4, 64, 64, input_vocab=80, output_vocab=70, bias=bias))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model.eval().requires_grad_(False)


@pytest.fixture(params=[torch.float32, torch.bfloat16], autouse=True)
def product_dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """As on a CPU that multiplies bfloat16 well, and on one that doesn't."""
    monkeypatch.setattr(module, "product_dtype", lambda: request.param)
    dtype: torch.dtype = request.param
    return dtype


@pytest.mark.parametrize("rows", [1, 3, FEW_ROWS, FEW_ROWS + 1, 90])
@pytest.mark.parametrize("make", [Int8Linear, lambda x: HalfLinear(x, torch.bfloat16)], ids=["int8", "bfloat16"])
@pytest.mark.parametrize("bias", [False, True])
def test_layers_multiply(rows: int, make: Callable[[nn.Linear], nn.Module], bias: bool) -> None:
    linear = nn.Linear(64, 96, bias=bias).requires_grad_(False)
    x = torch.randn(2, rows, 64) if rows < FEW_ROWS else torch.randn(1, rows, 64)
    wanted = linear(x)
    found = make(linear)(x).float()
    assert found.shape == wanted.shape
    assert (found - wanted).std() < 0.02 * wanted.std()


@torch.inference_mode()
def test_float32_stays_exact() -> None:
    model, packed = gpt(), gpt()
    pack(packed, torch.float32, None)
    x, positions = torch.randn(1, 20, 64), torch.arange(20)
    assert torch.allclose(packed(x, positions), model(x, positions), atol=1e-5)


@pytest.mark.parametrize(("dtype", "kind"), WAYS)
@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_models_say_nearly_the_same(dtype: torch.dtype, kind: str | None, bias: bool) -> None:
    model, packed = gpt(bias), gpt(bias)
    pack(packed, dtype, kind)
    tokens, positions = torch.randint(80, (1, 40)), torch.arange(40)

    def logits(of: GPT) -> Tensor:
        return of.logits(of(of.embed(tokens), positions)).float()

    wanted, found = logits(model), logits(packed)
    assert (found - wanted).std() < 0.03 * wanted.std()


@pytest.mark.parametrize(("dtype", "kind"), WAYS)
@torch.inference_mode()
def test_fine_models_keep_what_they_share(dtype: torch.dtype, kind: str | None) -> None:
    config = FineGPTConfig(2, 2, 32, 24, vocab=17, n_codebooks=4)
    torch.manual_seed(0)
    model = FineGPT(config).eval().requires_grad_(False)
    codes = torch.randint(17, (1, 20, 4))
    wanted = model(2, codes)
    pack(model, dtype, kind)
    assert all(head.weight is model.wtes[i + 1].weight for i, head in enumerate(model.lm_heads))
    assert (model(2, codes) - wanted).std() < 0.03 * wanted.std()


@pytest.mark.parametrize(("dtype", "kind", "bytes_each"), [(torch.float32, "int8", 1), (torch.bfloat16, None, 2)])
def test_linear_layers_take_fewer_bytes(dtype: torch.dtype, kind: str | None, bytes_each: int) -> None:
    model = gpt()
    pack(model, dtype, kind)
    layer = model.h[0].mlp.c_fc
    assert layer.weight.nbytes == bytes_each * 64 * 256
    assert model.ln_f.weight.dtype == model.wpe.weight.dtype == torch.float32


@torch.inference_mode()
def test_large_embeddings_and_heads_take_16_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 64 * 75)
    model = gpt()
    pack(model, torch.float32, "int8")
    assert model.wte.weight.dtype == torch.float16
    assert model.lm_head.weight.dtype == torch.float32
    assert model.embed(torch.tensor([[1]])).dtype == torch.float32


@torch.inference_mode()
def test_weights_as_they_are_stored() -> None:
    """A checkpoint of 16 bits is packed like one of 32."""
    model, stored = gpt(), gpt().half()
    pack(model, torch.float32, "int8")
    pack(stored, torch.float32, "int8")
    x, positions = torch.randn(1, 5, 64), torch.arange(5)
    assert (stored(x, positions) - model(x, positions)).abs().max() < 0.1


def test_parts_are_at_hand() -> None:
    """Python would look for them in vain first; what is found there is what the modules have."""
    model = gpt()
    pack(model, torch.float32, "int8")
    for owner in model.modules():
        parts = {**owner._parameters, **owner._buffers, **owner._modules}
        assert all(vars(owner)[name] is part for name, part in parts.items())


class TestChoice:
    def test_int8_unless_a_dtype_is_given(self) -> None:
        assert choose_quantize(None, None, CPU) == "int8"
        assert choose_quantize(None, "float32", CPU) is None
        assert choose_quantize("none", None, CPU) is None
        assert choose_quantize("int8", "float32", CPU) == "int8"
        assert choose_quantize(None, None, torch.device("cuda")) is None

    def test_without_the_product(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_has_int8", lambda: False)
        assert choose_quantize(None, None, CPU) is None
        with pytest.raises(OptionError, match="can't multiply by int8"):
            choose_quantize("int8", None, CPU)

    @pytest.mark.parametrize(
        ("asked", "dtype", "device", "says"),
        [
            ("int3", None, "cpu", "'int3' is not a way to quantise; say int8 or none"),
            ("int8", "bfloat16", "cpu", "takes the place of the dtype bfloat16"),
            ("int8", None, "cuda", "is for CPUs; on cuda say none"),
        ],
    )
    def test_what_does_not_go_together(self, asked: str, dtype: str | None, device: str, says: str) -> None:
        with pytest.raises(OptionError, match=says):
            choose_quantize(asked, dtype, torch.device(device))


@pytest.mark.parametrize(("dtype", "kind"), WAYS)
def test_what_was_stored_is_let_go(dtype: torch.dtype, kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no more than the weights as they are used is ever in memory, but for a few rows."""
    let_go: list[int] = []
    for room in (mapped, int8):
        monkeypatch.setattr(room, "let_go", lambda rows: let_go.append(rows.nbytes))
    monkeypatch.setattr(mapped, "CHUNK", 1024)
    stored = gpt().double()
    size = sum(weight.nbytes for weight in stored.parameters())
    pack(stored, dtype, kind)
    assert sum(let_go) == size
    assert max(let_go) <= 256 * 256 * 8


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("amx", [True, False])
@torch.inference_mode()
def test_keys_and_values_are_kept_as_they_are_read_fastest(
    compiled: bool, amx: bool, product_dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if amx and product_dtype != torch.bfloat16:
        pytest.skip("there is no such CPU")
    monkeypatch.setattr(module, "has_matrix_units", lambda: amx)
    if not compiled:
        monkeypatch.setattr(module.TokenStep, "of", lambda model: None)
    exact, packed = gpt(), gpt()
    pack(exact, torch.float32, None)
    pack(packed, torch.float32, "int8")
    assert exact.cache_dtype is None
    assert packed.cache_dtype == (torch.bfloat16 if compiled or amx else None)
    tokens = torch.randint(80, (1, 30))
    cache = KVCache(SHAPE, 30, device=CPU, dtype=packed.cache_dtype or packed.dtype)
    packed(packed.embed(tokens[:, :20]), torch.arange(20), cache)
    parts = [packed(packed.embed(tokens[:, i : i + 1]), torch.arange(i, i + 1), cache) for i in range(20, 30)]
    found, wanted = torch.cat(parts, 1), exact(exact.embed(tokens), torch.arange(30))[:, 20:]
    assert (found - wanted).std() < 0.03 * wanted.std()
