"""An implementation at work in a process of its own, whose memory is its own too."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from bark.evaluation.measures import NotMeasuredError
from benchmarks.environments import Environment

TAIL = 12  # lines of what a worker complained of


class PeerError(Exception):
    """A worker failed at a task, or ended."""


class Process:
    """Answers tasks; see `benchmarks.workers.serving`.

    Args:
        worker: the script.
        environment: that it runs in.
        log: where its standard error goes.
        threads: that it may use.
    """

    def __init__(self, worker: Path, environment: Environment, log: Path, threads: int) -> None:
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [str(environment.python), str(worker), str(time.time())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment.variables(threads),
                cwd=log.parent,  # not in the project, whose package has the name of the original's
            )

    def run(self, task: str, **arguments: Any) -> dict[str, Any]:
        """What a task tells; see `bark.evaluation.measures.Runner`."""
        return self.ask({"task": task, **arguments})

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a line.

        Raises:
            NotMeasuredError: the implementation can't do it.
            PeerError: it failed, or its process has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise PeerError("the worker has no pipes")
        try:
            print(json.dumps(question), file=stdin, flush=True)
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError(f"the process ended with status {self._process.wait()}:\n{self.complaints()}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise NotMeasuredError(answer["missing"])
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def complaints(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends the process, which has nothing to lose."""
        self._process.kill()
        self._process.communicate()
