"""The server's processes: started, looked at, and ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.environments import own
from benchmarks.process import PeerError
from benchmarks.serve.asking import get

PROC = Path("/proc")
LISTENING = re.compile(r"listening at http://[^:]+:(\d+)")
METRIC = re.compile(r"^(\w+)(?:\{[^}]*\})? ([\d.e+-]+)$", re.MULTILINE)
TAIL = 20  # lines of the log, where something goes wrong


@dataclass(frozen=True)
class Held:
    """What the server's processes hold.

    Attributes:
        processes, threads, files: how many; files are those that are open, connections too.
        memory: resident bytes, each process's own and what it shares.
        left: files in the folder for temporary ones.
    """

    processes: int
    threads: int
    files: int
    memory: int
    left: int


class Host:
    """`bark serve` at a free port of this machine, in a group of processes of its own.

    Args:
        flags: of the command.
        work: an empty folder for its log, and its temporary files.
    """

    def __init__(self, flags: Sequence[str], work: Path) -> None:
        self._log, self._temporary = work / "server.log", work / "temporary"
        self._temporary.mkdir()
        variables = {name: value for name, value in own().variables(1).items() if name != "OMP_NUM_THREADS"}
        variables |= {"TMPDIR": str(self._temporary), "XDG_DATA_HOME": str(work / "data")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bark", "serve", "--port", "0", *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=variables,
                start_new_session=True,
            )
        self.port = 0

    async def ready(self) -> None:
        """Waits until all workers are.

        Raises:
            PeerError: the server ended.
        """
        while not self.port:
            found = LISTENING.search(self.log)
            self.port = int(found[1]) if found else 0
            await self._alive()
        slots, same = 0.0, 0
        while not slots or same < 30:  # workers come one after another
            await self._alive()
            now = (await self.metrics()).get("bark_slots", 0.0)
            slots, same = now, same + 1 if now == slots else 0

    async def metrics(self) -> dict[str, float]:
        """Those of the server; of several with one name, their sum."""
        _, text = await get(self.port, "/metrics")
        values: dict[str, float] = {}
        for name, value in METRIC.findall(text.decode()):
            values[name] = values.get(name, 0.0) + float(value)
        return values

    def held(self) -> Held:
        """What the processes hold now."""
        pids = _family(self._process.pid)
        return Held(
            processes=len(pids),
            threads=sum(_count(PROC / str(pid) / "task") for pid in pids),
            files=sum(_count(PROC / str(pid) / "fd") for pid in pids),
            memory=sum(map(_resident, pids)),
            left=sum(path.is_file() for path in self._temporary.rglob("*")),
        )

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def tell(self, number: signal.Signals, group: bool = False) -> None:
        """Sends a signal to the server, or to all of its processes."""
        os.killpg(self._process.pid, number) if group else os.kill(self._process.pid, number)

    async def ended(self, timeout: float) -> int | None:
        """The exit code; None if it goes on."""
        for _ in range(round(timeout / 0.1)):
            if self._process.poll() is not None:
                return self._process.returncode
            await asyncio.sleep(0.1)
        return self._process.poll()

    async def _alive(self) -> None:
        if self._process.poll() is not None:
            raise PeerError("the server ended:\n" + "\n".join(self.log.splitlines()[-TAIL:]))
        await asyncio.sleep(0.1)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends it and all of its processes, whatever they do."""
        try:
            self._process.terminate()
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _family(pid: int) -> list[int]:
    """A process and all that come of it."""
    parents: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text().rpartition(")")[2]
            except OSError:  # it is gone
                continue
            parents.setdefault(int(after_name.split()[1]), []).append(int(folder.name))
    family = [pid]
    for each in family:
        family += parents.get(each, [])
    return family


def _count(folder: Path) -> int:
    try:
        return len(list(folder.iterdir()))
    except OSError:
        return 0


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
