"""Correctness and speed on a GPU machine that is lent for minutes; `device.sh` runs it there.

Steps, the important ones first, each in a process of its own that ends when the time is up; what a step finds is
written when it ends:

machine     what is there
parity      tiny models with lively weights, and pup's: likeliest tokens and logits in float32, CPU against GPU
companions  the same models: drawn tokens, replayed against as it is, a row in company against alone
tests       the tests that are marked `gpu`, where there is pytest
decoding    milliseconds a token of the causal stages in bfloat16, by rows at a time, replayed and as it is
speed       stages and the whole way, in bfloat16
large …     `benchmarks compare` on the GPU, a shape a step
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bark.checkpoints.registry import BUNDLED
from bark.engine import sequence
from bark.evaluation.floor import measure_floor
from bark.evaluation.machine import this_machine
from bark.evaluation.measures import Workload, measures
from bark.evaluation.speed import StageRunner, long_voice, memory_figures, row
from bark.pipeline import Bark
from benchmarks.checks import agreement, likeliest
from benchmarks.decoding import companions, decoding, logits_apart
from benchmarks.shapes import SHAPES
from benchmarks.systems import ON_A_GPU
from benchmarks.weights import write_weights

ROOT = Path(__file__).parent.parent
GAIN = 17.0  # from a standard deviation of 0.02 to one at which every token says something else
LEAST = 20.0  # seconds that a step needs to be worth beginning
NEAR = 1e-4  # of logits in float32, by another order of summing


def main(arguments: list[str] | None = None) -> int:
    """Runs the steps; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="bash benchmarks/device.sh", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda", help="cpu for a dry run")
    parser.add_argument("--shapes", nargs="*", default=["large", "small"], help="tiny for a dry run")
    parser.add_argument("--systems", nargs="+", default=list(ON_A_GPU))
    parser.add_argument("--seconds", type=float, default=540, help="for all steps together")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--buffer", type=float, default=4.0, help="GiB that the memory's speed is measured with")
    parser.add_argument("--batches", type=int, nargs="*", default=[8, 64])
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 8, 64], help="that decoding is timed with")
    parser.add_argument("--speech", type=float, default=6.0, help="seconds of a whole utterance")
    parser.add_argument("--blocks", action="store_true", help="write as on a GPU, whatever the device")
    parser.add_argument("--original-site", type=Path, help="folder with the original's packages; else no original")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.step:
        if asked.blocks:
            sequence.in_blocks = lambda device: True
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
    """Likeliest tokens, with a voice and without, and logits, CPU against the device; 1 if any differs."""
    found: dict[str, Any] = {}
    for name, models in _models(asked, ("cpu", asked.device)):
        config = models[0].config
        voice, text = long_voice(config), row(24, config.tokens.text_pad - config.tokens.text_offset)
        for case, history in (("alone", None), ("with a voice", voice)):
            ours, theirs = (likeliest(model, text, 40, history) for model in models)
            found.setdefault(name, {})[case] = agreement(ours, theirs)
        found[name]["logits apart"] = logits_apart(models)
        _write(asked, "parity", found)
    cases = [case for model in found.values() for case in model.items()]
    return int(not all(_good(name, figures) for name, figures in cases))


def _good(name: str, figures: dict[str, float]) -> bool:
    if name == "logits apart":
        return all(figure < NEAR for figure in figures.values())
    return all(share == 1.0 for share in figures.values())


def companions_step(asked: argparse.Namespace) -> int:
    """Drawn tokens of rows in company and alone, replayed and as they are; 1 if any differs."""
    found = {}
    for name, (model,) in _models(asked, (asked.device,)):
        found[name] = companions(model)
        _write(asked, "companions", found)
    stages = [stage for model in found.values() for stage in model.values()]
    return int(not all(stage["replayed"] == stage["alone"] == 1.0 for stage in stages))


def _models(asked: argparse.Namespace, devices: Sequence[str]) -> Iterator[tuple[str, list[Bark]]]:
    """A tiny model with lively weights, and the one in the package where it is, in float32."""
    with TemporaryDirectory() as work:
        folder = write_weights(SHAPES["tiny"], Path(work) / "tiny", "native", gain=GAIN)
        yield "tiny", [Bark(folder, device, "float32") for device in devices]
    if (BUNDLED / "pup" / "semantic.safetensors").exists():
        yield "pup", [Bark("pup", device, "float32") for device in devices]


def decoding_step(asked: argparse.Namespace) -> int:
    """A token of the causal stages, of one row and of many."""
    device = torch.device(asked.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    floor = measure_floor(device, gib=asked.buffer)
    found: dict[str, Any] = {"bandwidth": floor.bandwidth}
    for shape in asked.shapes:
        for measured in decoding(SHAPES[shape], device, dtype, asked.rows, floor):
            found.setdefault(shape, []).append(measured)
            _write(asked, "decoding", found, tell=False)
            print(shape, " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in measured.items()))
    return 0


def speed(asked: argparse.Namespace) -> int:
    """Every measure of every shape, the median of its rounds; written after each."""
    found: dict[str, Any] = {}
    for shape in asked.shapes:
        with TemporaryDirectory() as work:
            folder = write_weights(SHAPES[shape], Path(work) / shape, "native")
            bark = Bark(folder, asked.device)
            bark.parts.load()
        workload = Workload(seconds=asked.speech, batches=asked.batches)
        for measure in measures(bark.config, workload):
            runner = StageRunner(bark, workload.text)
            taken = [measure.take(runner) for _ in range(asked.rounds + 2)][2:]  # the first two record
            figures = {name: statistics.median(each[name] for each in taken) for name in taken[0]}
            found.setdefault(shape, {}).update(figures)
            _write(asked, "speed", found, tell=False)
            print(shape, " ".join(f"{name} {value:.4g}" for name, value in figures.items()), flush=True)
        found[shape].update(memory_figures(bark.device))
        _write(asked, "speed", found, tell=False)
        del bark
    return 0


def tests(asked: argparse.Namespace) -> int:
    """The tests marked `gpu`."""
    if importlib.util.find_spec("pytest") is None:
        return _write(asked, "tests", {"left out": "there is no pytest"})
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/engine/test_cuda.py"]
    status = subprocess.run(command, cwd=ROOT).returncode
    return _write(asked, "tests", {"status": status}) or int(status != 0)


def _write(asked: argparse.Namespace, name: str, found: dict[str, Any], tell: bool = True) -> int:
    text = json.dumps(found, indent=1)
    (asked.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if tell:
        print(text, flush=True)
    return 0


STEPS: dict[str, Callable[[argparse.Namespace], int]] = {
    "machine": machine,
    "parity": parity,
    "companions": companions_step,
    "tests": tests,
    "decoding": decoding_step,
    "speed": speed,
}

if __name__ == "__main__":
    torch.backends.cudnn.allow_tf32 = False  # parity in float32, not in what is called so
    sys.exit(main())
