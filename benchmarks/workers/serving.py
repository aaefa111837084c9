"""An implementation at work: a line of JSON in, a line of JSON out.

The first line says what to load, every other one is a task of `bark.evaluation.measures`:

    {"folder": …, "voice": "voice.npz", "text": [ids], "device": "cpu", "threads": 2, "options": {…}}
    {"task": "semantic", "tokens": 64}

and the answer to each is {"seconds": …, …}, or {"error": "…"}, or {"missing": "…"} for a task that it can't do.

Workers run in environments that need not have this project installed, so this file imports nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

STARTED = float(sys.argv[1]) if len(sys.argv) > 1 else time.time()  # when the process was asked for
GIB = 2**30


class Worker(Protocol):
    """Does tasks; each is a method that takes what the line says, and gives seconds and what else it tells."""


class MissingError(Exception):
    """The implementation can't do this task; the text says why."""


def serve(make: Callable[[dict[str, Any]], Worker]) -> None:
    """Answers until the input ends.

    Args:
        make: loads the implementation, from the first line.
    """
    imported = time.time() - STARTED
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an implementation prints must not be taken for an answer
    worker: Worker | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if worker is None:
                answer, worker = _loaded(make, asked)
                answer["import"] = imported
            else:
                answer = getattr(worker, asked.pop("task"))(**asked)
        except MissingError as error:
            answer = {"missing": str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _loaded(make: Callable[[dict[str, Any]], Worker], asked: dict[str, Any]) -> tuple[dict[str, float], Worker]:
    before = peak_memory()
    started = time.perf_counter()
    worker = make(asked)
    seconds = time.perf_counter() - started
    return {"load": seconds, "memory_before": before, "memory": peak_memory()}, worker


def peak_memory() -> float:
    """The most memory that this process has had at a time, GiB; 0 where the system doesn't tell."""
    path = Path("/proc/self/status")
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / GIB
    return 0.0


def row(length: int, vocab: int) -> Iterator[int]:
    """The same numbers as `bark.evaluation.speed.row`."""
    return (i * 37 % vocab for i in range(length))
