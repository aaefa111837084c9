"""Correctness and speed on a GPU machine that is lent for minutes; `device.sh` runs it there.

Steps, the important ones first, each in a process of its own that ends when the time is up; what a step finds is
written when it ends:

machine     what is there
parity      tiny models with lively weights: likeliest tokens in float32, CPU against GPU
tests       the tests that are marked `gpu`, where there is pytest
small …     `benchmarks compare` on the GPU, a shape a step
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bark.evaluation.floor import measure_floor
from bark.evaluation.machine import this_machine
from bark.evaluation.speed import long_voice, row
from bark.pipeline import Bark
from benchmarks.checks import agreement, likeliest
from benchmarks.shapes import SHAPES
from benchmarks.systems import ON_A_GPU
from benchmarks.weights import write_weights

ROOT = Path(__file__).parent.parent
GAIN = 17.0  # from a standard deviation of 0.02 to one at which every token says something else
LEAST = 20.0  # seconds that a step needs to be worth beginning
NO_TESTS = 5  # pytest's status where none is selected


def main(arguments: list[str] | None = None) -> int:
    """Runs the steps; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="bash benchmarks/device.sh", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda", help="cpu for a dry run")
    parser.add_argument("--shapes", nargs="*", default=["small", "large"], help="tiny for a dry run")
    parser.add_argument("--systems", nargs="+", default=list(ON_A_GPU))
    parser.add_argument("--seconds", type=float, default=540, help="for all steps together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--buffer", type=float, default=4.0, help="GiB that the memory's speed is measured with")
    parser.add_argument("--batches", type=int, nargs="*", default=[8, 64])
    parser.add_argument("--original-site", type=Path, help="folder with the original's packages; else no original")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.step:
        return STEPS[asked.step](asked)
    return run_steps(asked, sys.argv[1:] if arguments is None else arguments)


def run_steps(asked: argparse.Namespace, arguments: list[str]) -> int:
    """All steps, each with what is left of the time."""
    until = time.monotonic() + asked.seconds
    steps = {name: [sys.executable, "-m", "benchmarks.device", *arguments, "--step", name] for name in STEPS}
    for shape in asked.shapes:
        steps[shape] = _compare_command(asked, shape)
    statuses = {}
    for name, command in steps.items():
        statuses[name] = _run_step(name, command, until)
        (asked.out / "steps.json").write_text(json.dumps(statuses, indent=1) + "\n", encoding="utf-8")
    return int(any(status != "done" for status in statuses.values()))


def _run_step(name: str, command: list[str], until: float) -> str:
    left = until - time.monotonic()
    if left < LEAST:
        return "left out: no time"
    print(f"== {name}, {left:.0f} s left", flush=True)
    try:
        status = subprocess.run(command, cwd=ROOT, timeout=left).returncode
    except subprocess.TimeoutExpired:
        return "cut off: no time"
    return "failed" if status else "done"


def _compare_command(asked: argparse.Namespace, shape: str) -> list[str]:
    systems = [name for name in asked.systems if asked.original_site or not name.startswith("original")]
    options = {
        "--shapes": [shape],
        "--systems": systems,
        "--device": [asked.device],
        "--rounds": [asked.rounds],
        "--buffer": [asked.buffer],
        "--batches": asked.batches,
        "--out": [asked.out / shape],
    }
    if asked.original_site:
        options["--original-site"] = [asked.original_site]
    command = [sys.executable, "-m", "benchmarks", "compare"]
    return command + [str(word) for name, values in options.items() for word in (name, *values)]


def machine(asked: argparse.Namespace) -> int:
    """What is there, and how fast it is at best."""
    found = {
        "machine": asdict(this_machine(asked.device)),
        "floor": asdict(measure_floor(asked.device, gib=asked.buffer)),
    }
    return _write(asked, "machine", found)


def parity(asked: argparse.Namespace) -> int:
    """Likeliest tokens of tiny models, CPU against the device, with a voice and without; 1 if any differs."""
    config = SHAPES["tiny"]
    with TemporaryDirectory() as work:
        folder = write_weights(config, Path(work) / "tiny", "native", gain=GAIN)
        models = [Bark(folder, device, "float32") for device in ("cpu", asked.device)]
        voice, text = long_voice(config), row(24, 1000)
        shares = {}
        for name, history in (("alone", None), ("with a voice", voice)):
            ours, theirs = (likeliest(model, text, 40, history) for model in models)
            shares[name] = agreement(ours, theirs)
    same = all(share == 1.0 for stages in shares.values() for share in stages.values())
    return _write(asked, "parity", shares) or int(not same)


def tests(asked: argparse.Namespace) -> int:
    """The tests marked `gpu`."""
    if importlib.util.find_spec("pytest") is None:
        return _write(asked, "tests", {"left out": "there is no pytest"})
    marks = ["-m", "gpu", "-o", "markers=slow\ngpu"]  # said here, so that there need not be any such test
    command = [sys.executable, "-m", "pytest", "-q", *marks, "-p", "no:cacheprovider", "tests/engine"]
    status = subprocess.run(command, cwd=ROOT).returncode
    return _write(asked, "tests", {"status": status}) or int(status not in (0, NO_TESTS))


def _write(asked: argparse.Namespace, name: str, found: dict[str, Any]) -> int:
    text = json.dumps(found, indent=1)
    (asked.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)
    return 0


STEPS: dict[str, Callable[[argparse.Namespace], int]] = {"machine": machine, "parity": parity, "tests": tests}

if __name__ == "__main__":
    torch.backends.cudnn.allow_tf32 = False  # parity in float32, not in what is called so
    sys.exit(main())
