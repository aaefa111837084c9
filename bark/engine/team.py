"""Compiles the program of a token for this CPU, and runs it, on several threads where there are any."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm
import numpy as np

from bark.engine import program as layout
from bark.engine.program import Kinds, written

SPINS = 5_000  # looks for the next task before a thread sleeps: some tenths of a millisecond

_compiling = threading.RLock()
_programs: dict[Kinds, Program] = {}


class Program:
    """The program for some kinds of memory, compiled. For its functions see `bark.engine.program.written`.

    Args:
        kinds: of what the models that use it have in memory.
        cpu: to compile for, by LLVM's name; None for the one at hand. In all its instructions it says the same.
    """

    def __init__(self, kinds: Kinds, cpu: str | None = None) -> None:
        with _compiling:
            self._engine = _compiled(
                str(written(kinds, _many_registers(cpu))), cpu
            )  # it is freed with what holds the functions
        self.alone = self._function("alone", 2)
        self.post = self._function("post", 1)
        self.share = self._function("share", 2)
        self.wait = self._function("wait", 4)

    def _function(self, name: str, arguments: int) -> Callable[..., int]:
        made = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)
        return made(self._engine.get_function_address(name))


def compiled(kinds: Kinds) -> Program:
    """The program for these kinds, compiled when it is first asked for; who asks meanwhile waits."""
    with _compiling:
        if kinds not in _programs:
            _programs[kinds] = Program(kinds)
        return _programs[kinds]


@cache
def is_made_for_this_cpu() -> bool:
    """Whether the CPU has what the program is quick by: products that are added to sums in one go, and half floats."""
    has = llvm.get_host_cpu_features()
    return platform.machine().lower() not in ("x86_64", "amd64") or all(
        has.get(each) for each in ("avx2", "fma", "f16c")
    )


def _many_registers(cpu: str | None) -> bool:
    """Whether there are 32 registers of 512 bits, and not of fewer."""
    return cpu is None and bool(llvm.get_host_cpu_features().get("avx512f"))


def _compiled(text: str, cpu: str | None) -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    features = "" if cpu else llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu or llvm.get_host_cpu_name(), features=features, opt=2, jit=True
    )
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(target.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # vectors are written as they are to be, and unrolled by hand; more is a tenth of a second for nothing
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    return engine


class Team:
    """Threads that do tasks together: whoever asks, and others that wait for that.

    Who waits looks for the next task again and again, and sleeps when there has been none for a while.

    Args:
        program: that they run.
        parts: threads, with the one that asks; at least 2.
    """

    def __init__(self, program: Program, parts: int) -> None:
        self._program = program
        self._busy = threading.Lock()
        line = layout.APART
        memory = np.zeros(layout.AWAKE + (parts + 1) * line, dtype=np.int64)
        self._memory = memory[-memory.ctypes.data // layout.WORD % line :]  # from the beginning of a line of the cache
        self._memory[layout.PARTS] = parts
        self._memory[layout.PAUSE] = _address_of_yield()
        self._address = self._memory.ctypes.data
        self._bells = [threading.Semaphore(0) for _ in range(1, parts)]
        for part, bell in enumerate(self._bells, 1):
            threading.Thread(target=self._wait, args=(part, bell), name=f"bark-{part}", daemon=True).start()

    def do(self, task: int, what: int) -> bool:
        """Does a task of `bark.engine.program`; False if the others are at one for somebody else.

        Args:
            task: which.
            what: address of what it is done to.
        """
        if not self._busy.acquire(blocking=False):
            return False
        before, sleeping = int(self._memory[layout.JOB]), len(self._bells)
        try:
            try:
                self._memory[layout.TASK], self._memory[layout.GIVEN] = task, what
                sleeping = self._program.post(self._address)
            finally:  # once it is posted the others wait for this part, even if somebody interrupts us
                if self._memory[layout.JOB] != before:
                    for bell in self._bells if sleeping else ():
                        bell.release()
                    self._program.share(self._address, 0)
        finally:
            self._busy.release()
        return True

    def _wait(self, part: int, bell: threading.Semaphore) -> None:
        seen = 0
        while True:
            bell.acquire()
            seen = self._program.wait(self._address, part, seen, SPINS)


_teams: dict[tuple[Program, int], Team] = {}
_forming = threading.Lock()


def team(program: Program, parts: int) -> Team:
    """The team of so many threads that runs a program."""
    with _forming:
        if (program, parts) not in _teams:
            _teams[program, parts] = Team(program, parts)
        return _teams[program, parts]


def _in_child() -> None:
    """A process has only that thread of its parent which made it."""
    global _forming
    _forming = threading.Lock()
    _teams.clear()
    _compiling.release()


if hasattr(os, "register_at_fork"):
    # what another thread compiles is finished first: in the child nobody would, and LLVM's own lock would stay shut
    os.register_at_fork(before=_compiling.acquire, after_in_parent=_compiling.release, after_in_child=_in_child)


@cache
def _address_of_yield() -> int:
    """Of what lets other programs run; 0 where there is no such function."""
    try:
        library = ctypes.CDLL("kernel32") if os.name == "nt" else ctypes.CDLL(None)
        function = library.SwitchToThread if os.name == "nt" else library.sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
