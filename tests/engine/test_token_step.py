"""Compiled code reads a token as the model does, of each kind of weights, in whatever company."""

from __future__ import annotations

import copy
import itertools
import os
import pickle
import platform
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from bark.engine import team
from bark.engine import token_step as module
from bark.engine.kv_cache import KVCache
from bark.engine.program import Kinds
from bark.engine.quantize import foresee, pack
from bark.engine.steps import StepWriter
from bark.engine.team import Program, is_made_for_this_cpu
from bark.engine.token_step import Dtypes, Stepper, TokenStep
from bark.models.config import GPTConfig
from bark.models.gpt import GPT

CPU = torch.device("cpu")
WAYS = [(torch.float32, None), (torch.float32, "int8"), (torch.bfloat16, None), (torch.float16, None)]
SIZES = [(1, 16), (2, 32), (3, 48), (2, 128), (1, 80)]  # heads, and the width of all: a head of 16, 64, 80
LENGTHS = [3, 0, 17, 31, 15, 16, 1, 30, 8]  # of what rows have read

needs_compiled_code = pytest.mark.skipif(not is_made_for_this_cpu(), reason="this CPU is too old for it")
pytestmark = needs_compiled_code


def gpt(n_head: int = 4, n_embd: int = 128, bias: bool = False) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(2, n_head, n_embd, 40, input_vocab=80, output_vocab=70, bias=bias))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6 * n_embd**-0.5) if parameter.dim() > 1 else nn.init.normal_(
            parameter, 1, 0.2
        )
    return model.eval().requires_grad_(False)


def packed(dtype: torch.dtype = torch.float32, quantize: str | None = None, narrow: bool = False, **shape: int) -> GPT:
    """With keys and values in bfloat16, or else in float32."""
    model = gpt(**shape)
    pack(model, dtype, quantize)
    model.cache_dtype = torch.bfloat16 if narrow else None
    model.token_step = TokenStep.of(model)
    assert model.token_step is not None
    return model


def caches(model: GPT, lengths: Sequence[int]) -> list[KVCache]:
    """Of rows that have read so many tokens, each its own."""
    made = []
    for row, length in enumerate(lengths):
        cache = KVCache(model.config, 40, device=CPU, dtype=model.cache_dtype or model.dtype)
        if length:
            model(model.embed(said(row, length)), torch.arange(length), cache)
        made.append(cache)
    return made


def said(row: int, length: int) -> Tensor:
    return torch.randint(80, (1, length), generator=torch.Generator().manual_seed(row))


def read(model: GPT, lengths: Sequence[int], rows: Sequence[int] | None = None) -> Tensor:
    """What compiled code says of one more token of some rows."""
    chosen = list(range(len(lengths)) if rows is None else rows)
    kept = caches(model, lengths)
    stepper = Stepper(model.token_step, len(chosen), 40)
    tokens, positions = [row + 3 for row in chosen], [lengths[row] + 2 for row in chosen]
    return stepper.read(tokens, positions, [kept[row] for row in chosen]).clone()


def told(model: GPT, lengths: Sequence[int]) -> Tensor:
    """What the model says of the same, in double precision, of weights as they are packed."""
    exact = gpt(model.config.n_head, model.config.n_embd, model.config.bias)
    for old, new in zip(exact.h, model.h, strict=True):
        for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"):
            layer = new.get_submodule(name)
            scales = layer.scales.double()[:, None] if hasattr(layer, "scales") else 1.0
            old.get_submodule(name).weight = nn.Parameter(layer.weight.double() * scales, requires_grad=False)
    exact = exact.double()
    hidden = []
    for row, length in enumerate(lengths):
        tokens = torch.cat([said(row, length), torch.tensor([[row + 3]])], dim=1)
        positions = torch.cat([torch.arange(length), torch.tensor([length + 2])])
        hidden.append(exact(exact.embed(tokens), positions)[0, -1])
    return torch.stack(hidden)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many threads share a step."""
    monkeypatch.setattr(module, "SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: request.param)
    count: int = request.param
    return count


@pytest.mark.parametrize(("dtype", "quantize"), WAYS)
@pytest.mark.parametrize(("n_head", "n_embd"), SIZES)
@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_a_token_is_as_in_double_precision(
    dtype: torch.dtype, quantize: str | None, n_head: int, n_embd: int, bias: bool, threads: int
) -> None:
    model = packed(dtype, quantize, n_head=n_head, n_embd=n_embd, bias=bias)
    fresh = [0] * 2  # what is read before is read by other code, which rounds 16 bits otherwise
    lengths = fresh if dtype != torch.float32 or quantize else LENGTHS[:4]
    found, wanted = read(model, lengths), told(model, lengths)
    assert (found - wanted).abs().max() < 2e-5 * wanted.abs().max()


@torch.inference_mode()
def test_keys_and_values_of_16_bits() -> None:
    narrow, wide = packed(quantize="int8", narrow=True), packed(quantize="int8")
    difference = (read(narrow, LENGTHS) - read(wide, LENGTHS)).std()
    assert 0 < difference < 0.02 * read(wide, LENGTHS).std()


@pytest.mark.parametrize(("dtype", "quantize"), WAYS)
@pytest.mark.parametrize("narrow", [False, True])
@torch.inference_mode()
def test_a_row_is_the_same_alone_and_in_any_company(
    dtype: torch.dtype, quantize: str | None, narrow: bool, threads: int
) -> None:
    model = packed(dtype, quantize, narrow)
    alone = [read(model, LENGTHS, [row])[0] for row in range(len(LENGTHS))]
    for count in (2, 3, 4, 5, 8, 9):
        together = read(model, LENGTHS, range(count))
        assert all(torch.equal(*pair) for pair in zip(together, alone, strict=False))


@torch.inference_mode()
def test_any_number_of_threads_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 1)
    model = packed(quantize="int8")
    found = []
    for count in (1, 2, 5, 64):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        assert model.token_step.parts == min(count, 128 // 16)
        found.append(read(model, LENGTHS))
    assert all(torch.equal(each, found[0]) for each in found)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names a CPU of that kind")
@pytest.mark.parametrize("cpu", ["haswell", "x86-64-v4"])
@torch.inference_mode()
def test_the_instructions_of_another_cpu_say_the_same(cpu: str) -> None:
    if cpu == "x86-64-v4" and "AVX512" not in torch.backends.cpu.get_cpu_capability():
        pytest.skip("this CPU has no AVX-512")
    model = packed(quantize="int8")
    own = read(model, LENGTHS)
    model.token_step.program = Program(Kinds(3, 0, 0, 0), cpu)
    assert torch.equal(read(model, LENGTHS), own)


@torch.inference_mode()
def test_logits(threads: int) -> None:
    model = packed()
    hidden = torch.randn(5, 128)
    stepper = Stepper(model.token_step, 5, 40)
    for rows in [(range(70),), (range(3, 20),), (range(5), range(33, 34)), (range(1),)]:
        wanted = torch.cat([hidden @ model.lm_head.weight[row.start : row.stop].T for row in rows], dim=1)
        found = stepper.logits(hidden, rows)
        assert (found - wanted).abs().max() < 1e-5
        assert torch.equal(stepper.logits(hidden[2:3], rows)[0], found[2])


@torch.inference_mode()
def test_what_cannot_be_read() -> None:
    model = packed()
    stepper = Stepper(model.token_step, 2, 40)
    full, other = caches(model, [40, 2])
    for tokens, positions, rows, says in [
        ([1, 2], [3, 4], [other, full], "doesn't fit a cache of 40"),
        ([80], [3], [other], "a token 80 of 0 … 79"),
        ([-1], [3], [other], "a token -1"),
        ([1], [40], [other], "a position 40 of 0 … 39"),
    ]:
        with pytest.raises(ValueError, match=says):
            stepper.read(tokens, positions, rows)
    assert (full.length, other.length) == (40, 2)


@torch.inference_mode()
def test_several_who_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one team; who finds it busy does the work alone."""
    monkeypatch.setattr(module, "SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model = packed(quantize="int8")
    wanted = read(model, LENGTHS)

    def again(_: int) -> bool:
        with torch.inference_mode():
            return all(torch.equal(read(model, LENGTHS), wanted) for _ in range(20))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(again, range(8)))


@torch.inference_mode()
def test_an_interrupt_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model = packed(quantize="int8")
    wanted = read(model, LENGTHS)
    program, post = model.token_step.program, model.token_step.program.post

    def interrupted(team: int) -> int:
        post(team)
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "post", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(model, LENGTHS)
    monkeypatch.setattr(program, "post", post)
    assert torch.equal(read(model, LENGTHS), wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@torch.inference_mode()
def test_a_forked_process_has_a_team_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model = packed(quantize="int8")
    wanted = read(model, [0, 0])
    child = os.fork()
    if not child:
        os._exit(0 if torch.equal(read(model, [0, 0]), wanted) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_does_without(copied: object) -> None:
    """It has its weights elsewhere."""
    model = packed()
    other = copied(model)  # type: ignore[operator]
    assert model.token_step is not None and other.token_step is None


def test_there_is_none_for_heads_of_odd_sizes() -> None:
    model = gpt(4, 96)
    pack(model, torch.float32, "int8")
    assert model.token_step is None


def test_without_llvm(monkeypatch: pytest.MonkeyPatch) -> None:
    module.why_not_compiled.cache_clear()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    model = gpt()
    pack(model, torch.float32, "int8")
    assert model.token_step is None
    assert module.why_not_compiled() == "llvmlite isn't installed"
    module.why_not_compiled.cache_clear()


def test_on_an_old_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    module.why_not_compiled.cache_clear()
    monkeypatch.setattr("bark.engine.team.is_made_for_this_cpu", lambda: False)
    assert module.why_not_compiled() == "this CPU has no AVX2"
    module.why_not_compiled.cache_clear()


@pytest.mark.parametrize("large", [1 << 22, 128 * 75, 128 * 30])
@pytest.mark.parametrize(("dtype", "quantize"), WAYS)
def test_what_is_compiled_ahead_is_what_is_asked_for(
    large: int, dtype: torch.dtype, quantize: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[Dtypes] = []
    asked: list[Dtypes] = []
    monkeypatch.setattr("bark.engine.quantize.begin_compiling", lambda config, dtypes: ahead.append(dtypes))
    monkeypatch.setattr("bark.engine.quantize.LARGE", large)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    program = module._program

    def ask(dtypes: Dtypes) -> Program:
        asked.append(dtypes)
        return program(dtypes)

    monkeypatch.setattr(module, "_program", ask)
    model = gpt()
    foresee(model.config, dtype, quantize)
    assert asked == []
    pack(model, dtype, quantize)
    assert ahead == asked
    assert len(asked) == 1


def test_who_asks_while_it_is_compiled_waits_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()
    made: list[Kinds] = []

    def slow(kinds: Kinds) -> object:
        made.append(kinds)
        began.set()
        assert go_on.wait(60)
        return object()

    monkeypatch.setattr(team, "Program", slow)
    monkeypatch.setattr(team, "_programs", {})
    model = gpt()
    module.begin_compiling(model.config, Dtypes(*[torch.float32] * 4))
    assert began.wait(60)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(team.compiled, Kinds(0, 0, 0, 0))
        assert not asked.done()
        go_on.set()
        assert asked.result(60) is team.compiled(Kinds(0, 0, 0, 0))
    assert made == [Kinds(0, 0, 0, 0)]


def test_where_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    module.begin_compiling(gpt().config, Dtypes(*[torch.float32] * 4))
    assert packed().token_step is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_forks_while_something_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "_programs", {})
    dtypes = Dtypes(*[torch.float32] * 4)
    module.begin_compiling(gpt().config, dtypes)
    child = os.fork()
    if not child:
        os._exit(0 if isinstance(module._program(dtypes), Program) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_model_in_which_it_cannot_be_compiled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("LLVM is of another time")

    monkeypatch.setattr(module, "_program", broken)
    model = gpt()
    pack(model, torch.float32, "int8")
    assert model.token_step is None
    assert "can't be compiled here (LLVM is of another time)" in caplog.text


@torch.inference_mode()
def test_writers_say_the_same_with_it_and_without() -> None:
    from bark.engine.sampling import Sampler
    from bark.engine.writing import Head, Write
    from bark.options import SamplingOptions

    model = packed()
    heads = (Head((range(40),)), Head((range(30, 70),), first=20))

    def write(model: GPT) -> list[int]:
        writer = StepWriter(model, 40, 3)
        for slot, length in enumerate((4, 1, 9)):
            sampler = Sampler(SamplingOptions(), torch.Generator().manual_seed(slot), CPU)
            embedded, positions = model.embed(said(slot, length)), torch.arange(length)
            writer.begin(slot, Write(embedded, positions, 0, length, 20, heads, sampler))
        return list(itertools.chain.from_iterable(itertools.chain(*writer.go_on([0, 1, 2])) for _ in range(20)))

    found = write(model)
    model.token_step = None
    assert found == write(model)
    assert len(set(found)) > 20
