"""One more token of some rows through a packed model on a CPU, compiled; LLVM is imported when it is first needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bark.engine.kv_cache import KVCache, claim
from bark.models.config import GPTConfig
from bark.models.gpt import GPT
from bark.models.layers import Block

if TYPE_CHECKING:
    from bark.engine.team import Program

LANES = 16  # widths and heads are multiples of it; see `bark.engine.simd`
KINDS = (torch.float32, torch.float16, torch.bfloat16, torch.int8)  # in the order of `bark.engine.simd`
SHARE = 1 << 17  # bytes of a layer's weights from which on another thread is worth having

logger = logging.getLogger(__name__)


class Dtypes(NamedTuple):
    """In which a packed model keeps its linear layers, its keys and values, its table of tokens and its head."""

    weights: torch.dtype
    cache: torch.dtype
    tokens: torch.dtype
    head: torch.dtype


class TokenStep:
    """The weights of a packed model, as compiled code finds them.

    Args:
        model: that stays as it is: weights may change their values, but not their place.
    """

    def __init__(self, model: GPT) -> None:
        from bark.engine import program as at

        self.config = model.config
        self._kept: list[Tensor] = []
        self._zeros = torch.zeros(model.config.n_embd)
        layers = [_parts(block) for block in model.h]
        self._layer_bytes = sum(linear.weight.nbytes for linear in layers[0][2:])
        self._table = np.array([[*self._norms(each), *self._linears(each)] for each in layers], dtype=np.int64)
        self._eps = np.array([model.ln_f.eps], dtype=np.float32)
        self.head = model.lm_head.weight
        plan = self.plan = np.zeros(at.PLAN, dtype=np.int64)
        plan[at.HEADS], plan[at.WIDTH] = model.config.n_head, model.config.n_embd
        plan[at.TABLE], plan[at.LAYERS], plan[at.EPS] = self._table.ctypes.data, len(layers), self._eps.ctypes.data
        plan[at.TOKENS], plan[at.POSITIONS] = self._address(model.wte.weight), self._address(model.wpe.weight)
        plan[at.NORM], plan[at.NORM_BIAS] = self._norm(model.ln_f)
        cache_dtype = model.cache_dtype or model.dtype
        self.program = _program(Dtypes(layers[0][2].weight.dtype, cache_dtype, model.wte.weight.dtype, self.head.dtype))

    @staticmethod
    def of(model: GPT) -> TokenStep | None:
        """That of a packed model; None where there is none for its shape, or nothing to compile it with."""
        try:
            return TokenStep(model) if model.device.type == "cpu" and _fits(model.config) else None
        except Exception as error:  # whatever is wrong with LLVM here, speech is possible without it
            logger.warning("tokens will take longer: what makes them can't be compiled here (%s)", error)
            return None

    @property
    def parts(self) -> int:
        """In how many the work is shared: torch's threads, as far as there is enough for each of them."""
        enough: int = min(self._layer_bytes // SHARE, self.config.n_embd // LANES)
        return max(1, min(torch.get_num_threads(), enough))

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy of a model has its weights elsewhere, and does without."""
        return type(None), ()

    def _norms(self, layer: Sequence[Any]) -> list[int]:
        return [*self._norm(layer[0]), *self._norm(layer[1])]

    def _norm(self, norm: nn.LayerNorm) -> tuple[int, int]:
        return self._address(norm.weight), self._address(self._zeros if norm.bias is None else norm.bias)

    def _linears(self, layer: Sequence[Any]) -> list[int]:
        addresses = []
        for linear in layer[2:]:
            scales = getattr(linear, "scales", None)
            wide = None if scales is None else scales.float()
            addresses += [self._address(each) for each in (linear.weight, wide, linear.bias)]
        return addresses

    def _address(self, tensor: Tensor | None) -> int:
        if tensor is None:
            return 0
        self._kept.append(tensor)
        return _at(tensor)


class Stepper:
    """Takes steps, in memory of its own; one thread at a time.

    Args:
        step: of the model.
        slots: rows at most.
        capacity: positions of each row's cache.
    """

    def __init__(self, step: TokenStep, slots: int, capacity: int) -> None:
        from bark.engine import program as at
        from bark.engine.team import team

        self._step = step
        parts = step.parts
        self._team = team(step.program, parts) if parts > 1 else None
        self._tasks = at.STEP, at.HEAD
        width = step.config.n_embd
        self._x = torch.empty(slots, width)
        self._gathered = torch.empty(slots, width)
        self._wide = torch.empty(slots, 4 * width)
        self._normed = torch.empty(parts, slots, width)
        self._scores = torch.empty(parts, capacity + LANES)
        plan = self._plan = step.plan.copy()
        plan[at.ROOM] = capacity
        plan[at.X], plan[at.GATHERED], plan[at.WIDE] = (_at(each) for each in (self._x, self._gathered, self._wide))
        plan[at.NORMED], plan[at.SCORES] = _at(self._normed), _at(self._scores)

    def read(self, tokens: Sequence[int], positions: Sequence[int], caches: Sequence[KVCache]) -> Tensor:
        """What the trunk says of one more token of each row, [B, C], until the next call.

        Args:
            tokens: of the model's vocabulary, one for each row.
            positions: that are embedded with them.
            caches: of the rows, to each of which its token is added.

        Raises:
            ValueError: there is no room in a cache, or no such token or position; nothing is read then.
        """
        count, layers = len(tokens), self._step.config.n_layer
        _check(tokens, self._step.config.input_vocab, "token")
        _check(positions, self._step.config.block_size, "position")
        rows = np.array([tokens, positions, claim(caches)], dtype=np.int64)
        addresses = np.stack([cache.addresses for cache in caches]) if count > 1 else caches[0].addresses
        assert addresses.size == 3 * count * layers
        at, row = rows.ctypes.data, 8 * count
        self._do(0, [self._plan.ctypes.data, count, at, at + row, at + 2 * row, addresses.ctypes.data])
        return self._normed.view(-1, self._normed.shape[-1])[:count]

    def logits(self, hidden: Tensor, rows: Sequence[range]) -> Tensor:
        """Some rows of the head, one range behind the other: hidden [B, C] → [B, V]."""
        head, (count, width) = self._step.head, hidden.shape
        logits = torch.empty(count, sum(map(len, rows)))
        to, step = _at(logits), 4 * logits.shape[1]
        for some in rows:
            weight = _at(head) + some.start * width * head.element_size()
            self._do(1, [weight, _at(hidden), count, width, len(some), to, step])
            to += 4 * len(some)
        return logits

    def _do(self, task: int, numbers: Sequence[int]) -> None:
        what = np.array(numbers, dtype=np.int64)
        at = what.ctypes.data
        if self._team is None or not self._team.do(self._tasks[task], at):
            self._step.program.alone(self._tasks[task], at)


def _parts(block: nn.Module) -> tuple[Any, ...]:
    """Two LayerNorms and four linear layers, in the order of the table."""
    assert isinstance(block, Block)
    return block.ln_1, block.ln_2, block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj


def _fits(config: GPTConfig) -> bool:
    """Whether compiled code is made for this shape, and can be compiled."""
    return config.n_embd // config.n_head % LANES == 0 and not why_not_compiled()


def begin_compiling(config: GPTConfig, dtypes: Dtypes) -> None:
    """Has a model's code compiled by another thread, while its weights are read; who asks for it then waits for that.

    Args:
        config: shape of the model.
        dtypes: that it will have.
    """
    if _fits(config):
        with suppress(RuntimeError):  # where there is no thread to be had, who asks compiles
            threading.Thread(target=_compile, args=(dtypes,), name="bark-compile").start()


def _compile(dtypes: Dtypes) -> None:
    with suppress(Exception):  # it will be said when the code is asked for
        _program(dtypes)


@cache
def why_not_compiled() -> str:
    """Why nothing can be compiled here; empty where it can."""
    if find_spec("llvmlite") is None:
        return "llvmlite isn't installed"
    try:
        from bark.engine.team import is_made_for_this_cpu
    except (ImportError, OSError) as error:
        return f"llvmlite doesn't work here: {error}"
    return "" if is_made_for_this_cpu() else "this CPU has no AVX2"


def _program(dtypes: Dtypes) -> Program:
    from bark.engine.program import Kinds
    from bark.engine.team import compiled

    return compiled(Kinds(*map(KINDS.index, dtypes)))


def _at(tensor: Tensor) -> int:
    assert tensor.is_contiguous() and tensor.device.type == "cpu"
    return tensor.data_ptr()


def _check(numbers: Sequence[int], limit: int, what: str) -> None:
    for number in numbers:  # what is compiled looks up whatever it is told
        if not 0 <= number < limit:
            raise ValueError(f"a {what} {number} of 0 … {limit - 1}")
