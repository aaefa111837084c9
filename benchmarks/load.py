"""What loading takes: each form of a model in each precision, read from the disk and again from memory, then speaking.

Every load is a process of its own. What the process had before, with torch and all, is taken off its peak, and the
rest is held against the weights as they are used.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bark.evaluation.machine import load_average, this_machine, usable_cores
from bark.evaluation.speed import long_voice, row
from bark.models.config import ModelConfig
from benchmarks.environments import own
from benchmarks.process import PeerError, Process
from benchmarks.report import amount
from benchmarks.shapes import SHAPES
from benchmarks.systems import WORKERS
from benchmarks.weights import write_weights

GIB = 2**30
HEAD = ("form", "options", "read from", "load, s", "weights, GiB", "peak loading", "of the weights",
        "peak speaking", "of the weights", "speech, s")  # fmt: skip


@dataclass(frozen=True)
class LoadPlan:
    """What is loaded.

    Attributes:
        shape: of `benchmarks.shapes.SHAPES`.
        forms: of `benchmarks.weights.FORMS`.
        options: of `Bark`, each a case.
        optimizer: whether Suno's form has their optimizer's state, as the real files do.
        tokens: semantic tokens that are spoken.
        work: a folder for the files, which are removed; None for the system's temporary one.
    """

    shape: str = "large"
    forms: Sequence[str] = ("suno", "native")
    options: Sequence[Mapping[str, str]] = ({"dtype": "float32"}, {"dtype": "bfloat16"})
    optimizer: bool = True
    tokens: int = 20
    work: Path | None = None


def measure_loads(plan: LoadPlan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Loads everything; plain values for JSON."""
    before, config = load_average(), SHAPES[plan.shape]
    rows = []
    for form in plan.forms:
        with TemporaryDirectory(prefix="bark-benchmarks-", dir=plan.work) as work:
            tell(f"writing {plan.shape} as {form}")
            folder = write_weights(config, Path(work) / form, form, optimizer=plan.optimizer)
            for case in _cases(config, plan, folder, tell):
                rows.append({"form": form, **case})
    return {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": asdict(this_machine()),
        "load_average": {"before": before, "after": load_average()},
        "shape": plan.shape,
        "tokens": plan.tokens,
        "rows": rows,
    }


def load_markdown(results: Mapping[str, Any]) -> str:
    """A table."""
    machine, load = results["machine"], results["load_average"]
    size = f"{machine['cores']} cores, {machine['memory'] / GIB:.1f} GiB"
    lines = [
        f"`{results['command']}`, {results['when']}",
        "",
        f"- {machine['processor']}, {size}, load average {load['before']} → {load['after']}",
        f"- shape `{results['shape']}`, {results['tokens']} semantic tokens spoken",
        "- peaks are GiB beyond what the process had before it loaded",
        "",
        "| " + " | ".join(HEAD) + " |",
        "| --- | --- | --- |" + " ---: |" * (len(HEAD) - 3),
    ]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(found))} |" for found in results["rows"])]) + "\n"


def _cells(found: Mapping[str, Any]) -> list[str]:
    first = [found["form"], " ".join(found["options"].values()), found["source"]]
    if "missing" in found:
        return [*first, found["missing"].splitlines()[0], *["–"] * (len(HEAD) - 4)]
    weights = found["weights"]
    peaks = [found[name] - found["before"] for name in ("loaded", "spoken")]
    shares = [f"{peak / weights:.2f} ×" for peak in peaks]
    numbers = [amount(found["seconds"]), amount(weights), amount(peaks[0]), shares[0], amount(peaks[1]), shares[1]]
    return [*first, *numbers, amount(found["speech"])]


def _cases(config: ModelConfig, plan: LoadPlan, folder: Path, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    voice = folder.parent / "voice.npz"
    long_voice(config).save(voice)
    for options in plan.options:
        precision = options.get("quantize", options.get("dtype", "float32"))
        for source in ("disk", "memory"):
            tell(f"{folder.name} as {precision} from the {source}")
            if source == "disk":
                forget(folder)
            yield {"options": dict(options), "source": source, **_load_once(config, plan, folder, voice, options)}


def _load_once(
    config: ModelConfig, plan: LoadPlan, folder: Path, voice: Path, options: Mapping[str, str]
) -> dict[str, Any]:
    """One process's memory and times, GiB and seconds."""
    space = config.tokens
    line = {
        "folder": str(folder),
        "voice": str(voice),
        "text": row(24, space.text_pad - space.text_offset).tolist(),
        "small": (folder / "text.pt").exists(),
        "device": "cpu",
        "threads": usable_cores(),
        "options": dict(options),
    }
    with Process(WORKERS / "ours.py", own(), folder.parent / "worker.log", usable_cores()) as process:
        try:
            loaded = process.ask(line)
            said = process.run("speech", tokens=plan.tokens, voice=False)
            peak = process.run("memory")["memory"]
            weights = process.run("weights")["weights"]
        except PeerError as error:
            return {"missing": str(error)}
    return {
        "seconds": loaded["load"],
        "weights": weights,
        "before": loaded["memory_before"],
        "loaded": loaded["memory"],
        "spoken": peak,
        "speech": said["seconds"],
    }


def forget(folder: Path) -> None:
    """Has the system forget what it keeps of a folder's files in memory, where it can be asked to."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())  # what isn't written yet would stay
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
