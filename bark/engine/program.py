"""What compiled code does for a token: all layers of a packed model, shared by the threads of a team.

`written` writes it, for LLVM. Whatever is called from Python takes addresses of tables of whole numbers, which are laid
out as this file says; `bark.engine.token_step` fills them.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from bark.engine import simd
from bark.engine.simd import FLOAT32, LANES, SIZES, Code, Int, function

WORD = 8  # bytes of a whole number
AHEAD = 3072  # bytes that a product asks for before it reads them, at least: of 0 … 4096 the quickest
BLOCK = 16  # rows of a matrix that meet all vectors before the next are read: that much stays in the nearest cache
SPINS = 4096  # looks at what others have done, before a thread that waits for them lets other programs run

# a model, and where it is worked
HEADS, WIDTH, ROOM, EPS = range(4)  # ROOM: positions of a cache; EPS: address of a float32
TOKENS, POSITIONS, NORM, NORM_BIAS = range(4, 8)
TABLE, LAYERS = 8, 9
X, GATHERED, WIDE, NORMED, SCORES = range(10, 15)  # [B, C] twice, [B, 4C], [parts, B, C], [parts, ROOM + LANES]
PLAN = 15

# a layer
NORM_1, NORM_1_BIAS, NORM_2, NORM_2_BIAS = range(4)
QKV, PROJ, FC, OUT = range(4, 16, 3)  # each of weight, scales and bias; 0 where there are none
LAYER = 16

# what is to be done: one token of each row, or some rows of the head
PLAN_AT, BATCH, TOKEN, POSITION, PLACE, CACHES = range(6)  # of rows: [B] thrice, what is kept [B, 3, layers]
HEAD_WEIGHT, HEAD_X, HEAD_BATCH, HEAD_WIDTH, HEAD_COUNT, HEAD_Y, HEAD_STEP = range(7)
STEP, HEAD = range(2)

# a team; what several threads write lies apart
JOB, ARRIVED, PARTS, TASK, GIVEN, PAUSE, AWAKE, APART = 0, 8, 16, 17, 18, 19, 24, 8


@dataclass(frozen=True)
class Kinds:
    """Of what lies in memory; see `bark.engine.simd`."""

    weights: int
    cache: int
    tokens: int
    head: int


def written(kinds: Kinds, pair: bool) -> ir.Module:
    """The program for models of these kinds.

    Args:
        kinds: of what lies in memory.
        pair: whether the CPU has registers for two rows of a matrix by four of a batch, and not only one. No number
            depends on it.

    It has, for Python:

        alone(task, what): does a task, by one thread.
        post(team): has a team begin the task that is in its memory; gives how many of its threads sleep.
        share(team, part): does a part of it.
        wait(team, part, seen, spins): does a part of all tasks but the one seen last, until there is none for so many
            looks; gives the one seen last.
    """
    return _Program(kinds, pair).module


class _Program:
    def __init__(self, kinds: Kinds, pair: bool) -> None:
        self.kinds = kinds
        self.pair = pair
        self.module = ir.Module("bark")
        self.barrier = self._barrier()
        self.products = {kind: self._product(kind) for kind in sorted({kinds.weights, kinds.cache, kinds.head})}
        self.normalize = self._normalize()
        self.linear = self._linear()
        self.attend = self._attend()
        self.tasks = {STEP: self._step(), HEAD: self._head()}
        self._alone()
        self._post()
        self.share = self._share()
        self._wait()

    def _product(self, kind: int) -> ir.Function:
        """Rows first … last − 1 of a matrix [·, n] by vectors x [batch, n], to the same numbers of y's rows."""
        made, code = function(self.module, f"product_{kind}", 8)
        matrix, x, batch, n, first, last, y, y_step = code.arguments
        step, x_step = n * SIZES[kind], n * SIZES[FLOAT32]
        fours = batch.down_to(4)
        twos = batch.down_to(2)
        whole = first + (last - first).down_to(4)

        def dots(row: Int, b: Int, rows: int, vectors: int) -> None:
            _dots(code, kind, matrix + row * step, step, x + b * x_step, x_step, n, _at(y + b * y_step, row), y_step,
                  rows, vectors)  # fmt: skip

        # a weight is unpacked once for so many vectors, and a vector read once for so many rows, as registers hold sums
        with code.range(first, whole, BLOCK) as block:
            end = code.least(block + BLOCK, whole)
            with code.range(0, fours, 4) as b, code.range(block, end, 1 + self.pair) as row:
                dots(row, b, 1 + self.pair, 4)
            with code.range(fours, twos, 2) as b, code.range(block, end, 2) as row:
                dots(row, b, 2, 2)
            with code.range(twos, batch) as b, code.range(block, end, 4) as row:
                dots(row, b, 4, 1)
        with code.range(whole, last) as row:
            with code.range(0, fours, 4) as b:
                dots(row, b, 1, 4)
            with code.range(fours, batch) as b:
                dots(row, b, 1, 1)
        return _ended(made, code)

    def _linear(self) -> ir.Function:
        """Numbers first … last − 1, whole vectors of them, of a linear layer whose parts are told at `layer`."""
        made, code = function(self.module, "linear", 8)
        layer, x, batch, n, first, last, y, y_step = code.arguments
        weight, scales, bias = (_word(code, layer, i) for i in range(3))
        count = last - first
        with code.when(count.compare(">", 0)):
            code.call(self.products[self.kinds.weights], weight, x, batch, n, first, last, y, y_step)
            with code.range(0, batch) as b:
                row = _at(y + b * y_step, first)
                with code.when(scales.compare("!=", 0)):
                    _onto(code, row, _at(scales, first), count, code.builder.fmul)
                with code.when(bias.compare("!=", 0)):
                    _onto(code, row, _at(bias, first), count, code.builder.fadd)
        return _ended(made, code)

    def _normalize(self) -> ir.Function:
        """y ← LayerNorm of x, [batch, n]; eps is the address of a float32."""
        made, code = function(self.module, "normalize", 7)
        x, batch, n, weight, bias, eps, y = code.arguments
        b = code.builder
        count = b.sitofp(n.value, simd.F32)
        with code.range(0, batch) as row:
            here, there = _at(x, row * n), _at(y, row * n)
            mean = code.splat(b.fdiv(code.sum(n, lambda i: code.load(_at(here, i))), count))

            def off(i: Int) -> simd.Vector:
                return b.fsub(code.load(_at(here, i)), mean)

            def square(i: Int) -> simd.Vector:
                each = off(i)
                return b.fmul(each, each)

            variance = b.fadd(b.fdiv(code.sum(n, square), count), code.load_float(eps))
            factor = b.fdiv(simd.constant(1.0), code.lanewise("sqrt", code.splat(variance)))

            def turn(i: Int) -> None:
                scaled = b.fmul(off(i), factor)
                code.store(code.fma(scaled, code.load(_at(weight, i)), code.load(_at(bias, i))), _at(there, i))

            code.each(n, turn)
        return _ended(made, code)

    def _attend(self) -> ir.Function:
        """One head of one row: keeps its new key and value, of `place`, and gathers what it sees.

        Its `size` numbers are at `query`, which is lost; those of key and value `apart` and twice that behind it. Keys
        and values of positions 0, 1, … follow each other. There is room for place + 1 scores and a vector.
        """
        kind = self.kinds.cache
        made, code = function(self.module, "attend", 8)
        query, apart, size, keys, values, place, scores, y = code.arguments
        b = code.builder
        step, seen = size * SIZES[kind], place + 1
        whole = (seen + (LANES - 1)).down_to(LANES)
        _copy(code, query + apart, size, keys + place * step, kind)
        _copy(code, query + apart * 2, size, values + place * step, kind)
        factor = b.fdiv(simd.constant(1.0), code.lanewise("sqrt", code.splat(b.sitofp(size.value, simd.F32))))
        code.each(size, lambda i: code.store(b.fmul(code.load(_at(query, i)), factor), _at(query, i)))
        code.store(simd.constant(-math.inf), _at(scores, seen.down_to(LANES)))
        code.call(self.products[kind], keys, query, 1, size, 0, seen, scores, 0)
        largest = code.fold(
            whole,
            [simd.constant(-math.inf)],
            lambda i, most: [code.lanewise("maxnum", most[0], code.load(_at(scores, i)))],
        )
        most = code.splat(code.most(largest[0]))

        def weigh(i: Int) -> simd.Vector:
            value = code.exp(b.fsub(code.load(_at(scores, i)), most))
            code.store(value, _at(scores, i))
            return value

        over = b.fdiv(simd.constant(1.0), code.splat(code.sum(whole, weigh)))
        wide = size.down_to(4 * LANES)
        for start, stop, blocks in ((code.known(0), wide, 4), (wide, size, 1)):
            with code.range(start, stop, blocks * LANES) as column:
                _mix(code, kind, scores, _at(values, column, kind), step, seen, over, _at(y, column), blocks)
        return _ended(made, code)

    def _step(self) -> ir.Function:
        """The first part's NORMED ← what the trunk says of a token of each row."""
        made, code = function(self.module, "step", 4)
        what, part, parts, team = code.arguments
        plan, batch, tokens, positions, places, caches = (_word(code, what, i) for i in range(6))
        of = [_word(code, plan, i) for i in range(PLAN)]
        width, x, gathered, wide = of[WIDTH], of[X], of[GATHERED], of[WIDE]
        normed = of[NORMED] + part * batch * width * SIZES[FLOAT32]
        step = width * SIZES[FLOAT32]

        def own(n: Int) -> tuple[Int, Int]:
            """This part of so many numbers, in whole vectors but at the end."""
            return tuple(
                code.choose(p.compare("==", parts), n, (n * p // parts).down_to(LANES)) for p in (part, part + 1)
            )  # type: ignore[return-value]

        def meet() -> None:
            code.call(self.barrier, team, parts)

        def normalize(weight: Int, bias: Int) -> None:
            code.call(self.normalize, x, batch, width, weight, bias, of[EPS], normed)

        def add(layer: Int, source: Int, n: Int, to: Int, to_step: Int) -> None:
            """This part of a linear layer's numbers, onto X."""
            first, last = own(width)
            code.call(self.linear, layer, source, batch, n, first, last, to, to_step)
            with code.when((last - first).compare(">", 0)), code.range(0, batch) as b:
                _onto(code, _at(x + b * step, first), _at(to + b * to_step, first), last - first, code.builder.fadd)

        with code.when(part.compare("==", 0)), code.range(0, batch) as b:
            token = _at(of[TOKENS], _word(code, tokens, b) * width, self.kinds.tokens)
            position = _at(of[POSITIONS], _word(code, positions, b) * width)
            _sum(code, self.kinds.tokens, token, position, width, x + b * step)
        meet()
        with code.range(0, of[LAYERS]) as number:
            layer = of[TABLE] + number * (LAYER * WORD)
            normalize(_word(code, layer, NORM_1), _word(code, layer, NORM_1_BIAS))
            first, last = own(width * 3)
            code.call(self.linear, layer + QKV * WORD, normed, batch, width, first, last, wide, step * 4)
            meet()
            self._attend_some(code, of, batch, places, caches, number, part, parts)
            meet()
            add(layer + PROJ * WORD, gathered, width, wide, step * 4)
            meet()
            normalize(_word(code, layer, NORM_2), _word(code, layer, NORM_2_BIAS))
            first, last = own(width * 4)
            code.call(self.linear, layer + FC * WORD, normed, batch, width, first, last, wide, step * 4)
            with code.when((last - first).compare(">", 0)), code.range(0, batch) as b:
                _gelu(code, _at(wide + b * step * 4, first), last - first)
            meet()
            add(layer + OUT * WORD, wide, width * 4, gathered, step)
            meet()
        with code.when(part.compare("==", 0)):
            normalize(of[NORM], of[NORM_BIAS])
        return _ended(made, code)

    def _attend_some(
        self, code: Code, of: list[Int], batch: Int, places: Int, caches: Int, layer: Int, part: Int, parts: Int
    ) -> None:
        """This part of all heads of all rows: queries, keys and values in WIDE → what they gather, in GATHERED."""
        width, heads = of[WIDTH], of[HEADS]
        size = width // heads
        tasks = batch * heads
        with code.range(tasks * part // parts, tasks * (part + 1) // parts) as task:
            b, head = task // heads, task % heads
            here = head * of[ROOM] * size
            offset = here * SIZES[self.kinds.cache]
            keys, values, queries = (_word(code, caches, (b * 3 + i) * of[LAYERS] + layer) for i in range(3))
            query = _at(of[WIDE], b * width * 4 + head * size)
            scores = _at(of[SCORES], part * (of[ROOM] + LANES))
            to = _at(of[GATHERED], b * width + head * size)
            place = _word(code, places, b)
            with code.when(queries.compare("!=", 0)):
                _copy(code, query, size, _at(queries, here + place * size), FLOAT32)
            code.call(
                self.attend, query, width * SIZES[FLOAT32], size, keys + offset, values + offset, place, scores, to
            )

    def _head(self) -> ir.Function:
        """Some rows of the head by vectors [batch, n]."""
        made, code = function(self.module, "head", 4)
        what, part, parts, team = code.arguments
        weight, x, batch, n, count, y, y_step = (_word(code, what, i) for i in range(7))
        first, last = count * part // parts, count * (part + 1) // parts
        code.call(self.products[self.kinds.head], weight, x, batch, n, first, last, y, y_step)
        code.call(self.barrier, team, parts)
        return _ended(made, code)

    def _alone(self) -> None:
        made, code = function(self.module, "alone", 2, public=True)
        task, what = code.arguments
        for known, does in self.tasks.items():
            with code.when(task.compare("==", known)):
                code.call(does, what, 0, 1, 0)
        _ended(made, code)

    def _post(self) -> None:
        _, code = function(self.module, "post", 1, public=True)
        (team,) = code.arguments
        b = code.builder
        # in the order that `_wait` relies on: first the task, then who sleeps
        b.atomic_rmw("add", code.pointer(team + JOB * WORD), ir.Constant(simd.I64, 1), "seq_cst")

        def count(part: Int, sleeping: list[ir.Value]) -> list[ir.Value]:
            awake = Int(code, b.load_atomic(code.pointer(_awake(team, part + 1)), "seq_cst", WORD))
            return [code.choose(awake.compare("==", 0), Int(code, sleeping[0]) + 1, Int(code, sleeping[0])).value]

        others = _word(code, team, PARTS) - 1
        b.ret(code.fold(others, [ir.Constant(simd.I64, 0)], count, step=1)[0])

    def _share(self) -> ir.Function:
        made, code = function(self.module, "share", 2, public=True)
        team, part = code.arguments
        task, what, parts = (_word(code, team, i) for i in (TASK, GIVEN, PARTS))
        for known, does in self.tasks.items():
            with code.when(task.compare("==", known)):
                code.call(does, what, part, parts, team)
        return _ended(made, code)

    def _wait(self) -> None:
        _, code = function(self.module, "wait", 4, public=True)
        team, part, seen, spins = code.arguments
        b = code.builder
        job, awake = code.pointer(team + JOB * WORD), code.pointer(_awake(team, part))
        begin = b.block
        look, new, none, sleep, late = (b.append_basic_block(name) for name in ("look", "new", "none", "sleep", "late"))
        b.store_atomic(ir.Constant(simd.I64, 1), awake, "seq_cst", WORD)
        b.branch(look)
        b.position_at_end(look)
        last, looks = b.phi(simd.I64), b.phi(simd.I64)
        found = b.load_atomic(job, "acquire", WORD)
        b.cbranch(b.icmp_signed("!=", found, last), new, none)
        b.position_at_end(new)
        code.call(self.share, team, part)
        b.branch(look)
        b.position_at_end(none)
        _breathe(code)
        more = b.add(looks, ir.Constant(simd.I64, 1))
        b.cbranch(b.icmp_signed("<", more, spins.value), look, sleep)
        b.position_at_end(sleep)
        b.store_atomic(ir.Constant(simd.I64, 0), awake, "seq_cst", WORD)
        again = b.load_atomic(job, "seq_cst", WORD)  # perhaps posted by one who still saw it awake
        end = b.append_basic_block("end")
        b.cbranch(b.icmp_signed("!=", again, last), late, end)
        b.position_at_end(late)
        b.store_atomic(ir.Constant(simd.I64, 1), awake, "seq_cst", WORD)
        b.branch(look)
        b.position_at_end(end)
        b.ret(last)
        zero = ir.Constant(simd.I64, 0)
        for block, job_seen, count in (
            (begin, seen.value, zero),
            (new, found, zero),
            (none, last, more),
            (late, last, zero),
        ):
            last.add_incoming(job_seen, block)
            looks.add_incoming(count, block)

    def _barrier(self) -> ir.Function:
        """Returns when all parts have come as far."""
        made, code = function(self.module, "barrier", 2)
        team, parts = code.arguments
        b = code.builder
        with code.when(parts.compare(">", 1)):
            arrived = code.pointer(team + ARRIVED * WORD)
            before = Int(code, b.atomic_rmw("add", arrived, ir.Constant(simd.I64, 1), "acq_rel"))
            complete = (before // parts + 1) * parts  # the count is never set back, as some may still look at it
            pause = _word(code, team, PAUSE)
            entry = b.block
            look, missing, long, after = (b.append_basic_block(name) for name in ("look", "missing", "long", "after"))
            b.branch(look)
            b.position_at_end(look)
            looks = b.phi(simd.I64)
            there = b.load_atomic(arrived, "acquire", WORD)
            b.cbranch(b.icmp_signed(">=", there, complete.value), after, missing)
            b.position_at_end(missing)
            _breathe(code)
            more = b.add(looks, ir.Constant(simd.I64, 1))
            patient = b.or_(b.icmp_signed("<", more, ir.Constant(simd.I64, SPINS)), pause.compare("==", 0))
            b.cbranch(patient, look, long)
            b.position_at_end(long)
            b.call(b.inttoptr(pause.value, ir.FunctionType(simd.I32, []).as_pointer()), [])
            b.branch(look)
            for block, count in ((entry, ir.Constant(simd.I64, 0)), (missing, more), (long, more)):
                looks.add_incoming(count, block)
            b.position_at_end(after)
        return _ended(made, code)


def _ended(made: ir.Function, code: Code) -> ir.Function:
    code.builder.ret(ir.Constant(simd.I64, 0))
    return made


def _at(base: Int, i: Int, kind: int = FLOAT32) -> Int:
    """The address of number i."""
    return base + i * SIZES[kind]


def _awake(team: Int, part: Int) -> Int:
    """The address of what says whether a thread looks for tasks."""
    return team + (part * APART + AWAKE) * WORD


def _word(code: Code, base: Int, i: Int | int) -> Int:
    """The whole number i there."""
    return code.load_int(base + code.known(i) * WORD)


def _dots(
    code: Code,
    kind: int,
    matrix: Int,
    step: Int,
    x: Int,
    x_step: Int,
    n: Int,
    y: Int,
    y_step: Int,
    rows: int,
    vectors: int,
) -> None:
    """Some rows of a matrix by some float32 vectors; all are n long."""
    matrices = [matrix + step * r for r in range(rows)]
    xs = [x + x_step * v for v in range(vectors)]
    next_rows = step * rows
    ahead = code.choose(next_rows.compare(">", AHEAD), next_rows, AHEAD)

    def turn(i: Int, sums: list[ir.Value]) -> list[ir.Value]:
        read = [code.load(_at(each, i)) for each in xs]
        new = []
        for r, row in enumerate(matrices):
            here = _at(row, i, kind)
            code.ask_for(here + ahead)
            weights = code.load(here, kind)
            new += [code.fma(weights, each, sums[r * vectors + v]) for v, each in enumerate(read)]
        return new

    sums = code.fold(n, [simd.constant(0.0)] * (rows * vectors), turn)
    for r in range(rows):
        for v in range(vectors):
            code.store_float(code.total(sums[r * vectors + v]), _at(y + y_step * v, code.known(r)))


def _mix(
    code: Code, kind: int, weights: Int, rows: Int, step: Int, n: Int, over: simd.Vector, y: Int, blocks: int
) -> None:
    """y ← the sum of rows, of 16 · `blocks` numbers each, every one times its weight, and all times `over`."""

    def turn(i: Int, sums: list[ir.Value]) -> list[ir.Value]:
        weight = code.splat(code.load_float(_at(weights, i)))
        row = rows + i * step
        return [
            code.fma(weight, code.load(_at(row, code.known(block * LANES), kind), kind), each)
            for block, each in enumerate(sums)
        ]

    for block, each in enumerate(code.fold(n, [simd.constant(0.0)] * blocks, turn, step=1)):
        code.store(code.builder.fmul(each, over), _at(y, code.known(block * LANES)))


def _copy(code: Code, x: Int, n: Int, y: Int, kind: int) -> None:
    """y ← x, as float32 or bfloat16."""
    code.each(n, lambda i: code.store(code.load(_at(x, i)), _at(y, i, kind), kind))


def _onto(code: Code, y: Int, x: Int, n: Int, how: Callable[[simd.Vector, simd.Vector], simd.Vector]) -> None:
    """y ← y + x, or whatever `how` makes of them."""
    code.each(n, lambda i: code.store(how(code.load(_at(y, i)), code.load(_at(x, i))), _at(y, i)))


def _sum(code: Code, kind: int, a: Int, b: Int, n: Int, y: Int) -> None:
    """y ← a, of any kind, + b."""
    code.each(
        n, lambda i: code.store(code.builder.fadd(code.load(_at(a, i, kind), kind), code.load(_at(b, i))), _at(y, i))
    )


def _gelu(code: Code, x: Int, n: Int) -> None:
    """x ← x · Φ(x) = x/2 · (1 + erf(x/√2))."""
    b = code.builder

    def turn(i: Int) -> None:
        value = code.load(_at(x, i))
        half = b.fmul(value, simd.constant(0.5))
        code.store(code.fma(half, code.erf(b.fmul(value, simd.constant(math.sqrt(0.5)))), half), _at(x, i))

    code.each(n, turn)


def _breathe(code: Code) -> None:
    """What a CPU wants to be told by who waits for another."""
    machine = platform.machine().lower()
    told = "pause" if machine in ("x86_64", "amd64") else "yield" if machine in ("aarch64", "arm64") else None
    if told:
        code.builder.asm(ir.FunctionType(ir.VoidType(), []), told, "", [], side_effect=True)
