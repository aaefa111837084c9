"""Writes functions for LLVM: whole numbers, loops, and float32 in vectors of 16.

In LLVM's vectors rather than left to its optimiser, so that every sum has one order, on every CPU and for any number of
rows: a row of a batch is the row alone, bit for bit. Vectors wider than the CPU's registers LLVM splits.

Whole numbers have 64 bits; addresses are among them. Strides are in bytes. Lengths of vectors are multiples of `LANES`
and at least that, and nothing checks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

LANES = 16
FLOAT32, FLOAT16, BFLOAT16, INT8 = range(4)  # kinds of what lies in memory
SIZES = (4, 2, 2, 1)  # bytes of each

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR, WHOLE = ir.VectorType(F32, LANES), ir.VectorType(I32, LANES)
STORED = tuple(ir.VectorType(each, LANES) for each in (F32, ir.HalfType(), ir.IntType(16), ir.IntType(8)))

Vector: TypeAlias = Any  # a value of 16 float32; llvmlite has no types
Float: TypeAlias = Any


class Int:
    """A whole number that is known when the function runs; arithmetic with it is written into the function."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code = code
        self.value = value

    def __add__(self, other: Int | int) -> Int:
        return Int(self.code, self.code.builder.add(self.value, self.code.known(other).value))

    def __sub__(self, other: Int | int) -> Int:
        return Int(self.code, self.code.builder.sub(self.value, self.code.known(other).value))

    def __mul__(self, other: Int | int) -> Int:
        return Int(self.code, self.code.builder.mul(self.value, self.code.known(other).value))

    def __floordiv__(self, other: Int | int) -> Int:
        return Int(self.code, self.code.builder.udiv(self.value, self.code.known(other).value))

    def __mod__(self, other: Int | int) -> Int:
        return Int(self.code, self.code.builder.urem(self.value, self.code.known(other).value))

    def compare(self, how: str, other: Int | int) -> Any:
        """A truth value, for `Code.when` and `Code.choose`."""
        return self.code.builder.icmp_signed(how, self.value, self.code.known(other).value)

    def down_to(self, multiple: Int | int) -> Int:
        """The multiple at or below it."""
        return self // multiple * multiple


class Code:
    """A function that is being written.

    Args:
        function: of LLVM's, whose arguments and result are whole numbers.
    """

    def __init__(self, function: ir.Function) -> None:
        self.builder = ir.IRBuilder(function.append_basic_block("begin"))
        self.arguments = [Int(self, each) for each in function.args]

    def known(self, value: Int | int) -> Int:
        """A whole number that is known already."""
        return value if isinstance(value, Int) else Int(self, ir.Constant(I64, value))

    def choose(self, truth: Any, yes: Int | int, no: Int | int) -> Int:
        """One of two numbers."""
        return Int(self, self.builder.select(truth, self.known(yes).value, self.known(no).value))

    def least(self, a: Int, b: Int) -> Int:
        """The smaller of two numbers."""
        return self.choose(a.compare("<", b), a, b)

    def call(self, function: ir.Function, *arguments: Int | int) -> Int:
        """What another function gives."""
        return Int(self, self.builder.call(function, [self.known(each).value for each in arguments]))

    @contextmanager
    def when(self, truth: Any) -> Iterator[None]:
        """What the block writes is done only if it is true."""
        with self.builder.if_then(truth):
            yield

    @contextmanager
    def range(self, start: Int | int, stop: Int | int, step: Int | int = 1) -> Iterator[Int]:
        """What the block writes is done for each number of a range."""
        b = self.builder
        first, last, by = self.known(start), self.known(stop), self.known(step)
        before = b.block
        check, body, after = (b.append_basic_block(name) for name in ("check", "body", "after"))
        b.branch(check)
        b.position_at_end(check)
        i = b.phi(I64)
        i.add_incoming(first.value, before)
        b.cbranch(b.icmp_signed("<", i, last.value), body, after)
        b.position_at_end(body)
        yield Int(self, i)
        i.add_incoming(b.add(i, by.value), b.block)
        b.branch(check)
        b.position_at_end(after)

    def fold(
        self, n: Int, initial: Sequence[Any], turn: Callable[[Int, list[Any]], list[Any]], step: int = LANES
    ) -> list[Any]:
        """Goes over 0, step, … below n ≥ 1 with values that each turn hands to the next; gives the last ones."""
        b = self.builder
        before = b.block
        body, after = b.append_basic_block("turn"), b.append_basic_block("after")
        b.branch(body)
        b.position_at_end(body)
        i = b.phi(I64)
        i.add_incoming(ir.Constant(I64, 0), before)
        values = [b.phi(each.type) for each in initial]
        new = turn(Int(self, i), list(values))
        following = b.add(i, ir.Constant(I64, step))
        i.add_incoming(following, b.block)
        for value, first, last in zip(values, initial, new, strict=True):
            value.add_incoming(first, before)
            value.add_incoming(last, b.block)
        b.cbranch(b.icmp_signed("<", following, n.value), body, after)
        b.position_at_end(after)
        return new

    def each(self, n: Int, do: Callable[[Int], None]) -> None:
        """Goes over 0, 16, … below n."""

        def turn(i: Int, nothing: list[Any]) -> list[Any]:
            do(i)
            return nothing

        self.fold(n, [], turn)

    def sum(self, n: Int, term: Callable[[Int], Vector]) -> Float:
        """The sum of vectors at 0, 16, … below n, and then of its lanes."""
        return self.total(self.fold(n, [constant(0.0)], lambda i, sums: [self.builder.fadd(sums[0], term(i))])[0])

    def load(self, address: Int, kind: int = FLOAT32) -> Vector:
        """16 numbers of that kind, as float32."""
        b = self.builder
        stored = b.load(b.inttoptr(address.value, STORED[kind].as_pointer()), align=1)
        if kind == INT8:
            return b.sitofp(stored, VECTOR)
        if kind == FLOAT16:
            return b.fpext(stored, VECTOR)
        if kind == BFLOAT16:
            return b.bitcast(b.shl(b.zext(stored, WHOLE), whole(16)), VECTOR)
        return stored

    def store(self, value: Vector, address: Int, kind: int = FLOAT32) -> None:
        """16 numbers as float32 or bfloat16, rounded to the nearest, of two to the even one."""
        b = self.builder
        if kind == BFLOAT16:
            bits = b.bitcast(value, WHOLE)
            odd = b.and_(b.lshr(bits, whole(16)), whole(1))
            value = b.trunc(b.lshr(b.add(bits, b.add(odd, whole(0x7FFF))), whole(16)), STORED[BFLOAT16])
        b.store(value, b.inttoptr(address.value, value.type.as_pointer()), align=1)

    def load_float(self, address: Int) -> Float:
        """A float32."""
        return self.builder.load(self.builder.inttoptr(address.value, F32.as_pointer()))

    def store_float(self, value: Float, address: Int) -> None:
        """A float32."""
        self.builder.store(value, self.builder.inttoptr(address.value, F32.as_pointer()))

    def load_int(self, address: Int) -> Int:
        """A whole number."""
        return Int(self, self.builder.load(self.pointer(address)))

    def pointer(self, address: Int) -> Any:
        """Of a whole number there."""
        return self.builder.inttoptr(address.value, I64.as_pointer())

    def splat(self, value: Float) -> Vector:
        """A float32 in all lanes."""
        nothing = ir.Constant(VECTOR, ir.Undefined)
        one = self.builder.insert_element(nothing, value, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, nothing, whole(0))

    def lanewise(self, name: str, *arguments: Vector) -> Vector:
        """One of LLVM's own functions, lane by lane."""
        signature = ir.FunctionType(VECTOR, [VECTOR] * len(arguments))
        return self.builder.call(declared(self.builder.module, f"llvm.{name}.v{LANES}f32", signature), arguments)

    def fma(self, a: Vector, b: Vector, c: Vector) -> Vector:
        """a · b + c, rounded once."""
        return self.lanewise("fma", a, b, c)

    def polynomial(self, x: Vector, coefficients: Sequence[float]) -> Vector:
        """By Horner's rule; the highest power's coefficient comes first."""
        y: Vector = constant(coefficients[0])
        for each in coefficients[1:]:
            y = self.fma(y, x, constant(each))
        return y

    def exp(self, x: Vector) -> Vector:
        """exp(x) for x ≤ 0, below −87 that of −87.

        x is so many times ln 2, which is taken off in two parts, the first of few bits so that its products are exact;
        exp of the rest is Taylor's polynomial of degree 6, within 2⁻²² of it.
        """
        b, high = self.builder, 0.693359375
        x = self.lanewise("maxnum", x, constant(-87.0))
        times = self.lanewise("rint", b.fmul(x, constant(1 / math.log(2))))
        rest = self.fma(times, constant(-high), x)
        rest = self.fma(times, constant(high - math.log(2)), rest)
        power = b.shl(b.add(b.fptosi(times, WHOLE), whole(127)), whole(23))
        value = self.polynomial(rest, [1 / math.factorial(k) for k in range(6, -1, -1)])
        return b.fmul(value, b.bitcast(power, VECTOR))

    def erf(self, z: Vector) -> Vector:
        """z · P(z²) / Q(z²), ±1 from ±4 on, by the coefficients of Eigen's `generic_fast_erf_float`."""
        above = [-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05]
        above += [-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02]
        below = [-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03]
        below += [-7.37332916720468e-03, -1.42647390514189e-02]
        b = self.builder
        z = self.lanewise("minnum", self.lanewise("maxnum", z, constant(-4.0)), constant(4.0))
        square = b.fmul(z, z)
        return b.fdiv(b.fmul(z, self.polynomial(square, above)), self.polynomial(square, below))

    def total(self, vector: Vector) -> Float:
        """The sum of the lanes, halves added to halves."""
        b, width = self.builder, LANES
        while width > 1:
            width //= 2
            lanes = ir.VectorType(I32, width)
            low, high = (ir.Constant(lanes, list(range(start, start + width))) for start in (0, width))
            vector = b.fadd(b.shuffle_vector(vector, vector, low), b.shuffle_vector(vector, vector, high))
        return b.extract_element(vector, ir.Constant(I32, 0))

    def most(self, vector: Vector) -> Float:
        """The largest of the lanes."""
        b = self.builder
        found = b.extract_element(vector, ir.Constant(I32, 0))
        for lane in range(1, LANES):
            each = b.extract_element(vector, ir.Constant(I32, lane))
            found = b.select(b.fcmp_ordered(">", each, found), each, found)
        return found

    def ask_for(self, address: Int) -> None:
        """Has what lies there on its way to the CPU."""
        place = ir.IntType(8).as_pointer()
        signature = ir.FunctionType(ir.VoidType(), [place, I32, I32, I32])
        function = declared(self.builder.module, "llvm.prefetch.p0", signature)
        flags = [ir.Constant(I32, each) for each in (0, 3, 1)]  # to be read, kept near, data
        self.builder.call(function, [self.builder.inttoptr(address.value, place), *flags])


def constant(value: float) -> Vector:
    """The same float32 in all lanes."""
    return ir.Constant(VECTOR, [value] * LANES)


def whole(value: int) -> Any:
    """The same whole number of 32 bits in all lanes."""
    return ir.Constant(WHOLE, [value] * LANES)


def declared(module: ir.Module, name: str, signature: ir.FunctionType) -> ir.Function:
    """A function that is written elsewhere."""
    return module.globals.get(name) or ir.Function(module, signature, name)


def function(module: ir.Module, name: str, arguments: int, *, public: bool = False) -> tuple[ir.Function, Code]:
    """A new function of so many whole numbers, which gives one, and its code to be written."""
    made = ir.Function(module, ir.FunctionType(I64, [I64] * arguments), name)
    if not public:
        made.linkage = "internal"
        made.attributes.add("noinline")  # each is long, and compiled once
    return made, Code(made)
