"""A training that happens elsewhere for minutes: what goes there, what is done there, what comes back.

pack     here: tokens, tokenizer and checkpoints as small as they get, in one folder
train    there: models for so many seconds, from where their checkpoints ended
collect  there: weights and logs as pieces of a size that comes back
join     here: the pieces as runs again

The machine there needs PyTorch, numpy, safetensors and tokenizers; `device.sh` does both of its steps.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from bark.training.state import save_state

MODELS = ("semantic", "coarse", "fine")
MODEL = "model."  # what a trainer of a GPT calls it
STATE, SMALL, LOG = "last.pt", "resume.pt", "log.csv"
MB = 2**20
PIECE = 15 * MB + MB // 2
PIECES = 4


def main() -> None:
    """Runs the step that the arguments name."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.pup.device_pack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = parser.add_subparsers(required=True)
    _pack_arguments(steps.add_parser("pack"))
    _train_arguments(steps.add_parser("train"))
    _collect_arguments(steps.add_parser("collect"))
    _join_arguments(steps.add_parser("join"))
    arguments = vars(parser.parse_args())
    arguments.pop("step")(**arguments)


def pack(work: Path, out: Path, limit: float, codes: Sequence[str], runs: Path | None, models: Sequence[str]) -> None:
    """Fills the folder that goes there, in the layout of a work folder.

    Semantic tokens of all sets come first, then the weights of runs to go on from, then codes.

    Args:
        work: of the recipe.
        out: made anew.
        limit: megabytes; what doesn't fit is left out and named.
        codes: sets whose codes are wanted, in this order; none named means all, small sets first.
        runs: folder of runs to go on from, of the shape that is trained there; None to begin there.
        models: whose checkpoints are wanted.
    """
    shutil.rmtree(out, ignore_errors=True)
    tokens = out / "tokens"
    tokens.mkdir(parents=True)
    shutil.copyfile(work / "tokens" / "tokenizer.json", tokens / "tokenizer.json")
    room = Room(out, limit)
    for path in sorted((work / "tokens").glob("*/*.semantic.npz")):
        room.add(path, tokens / path.parent.name / path.name, _write_smaller)
    for run in [runs / model for model in models] if runs is not None else []:
        room.add_run(run, out / "runs" / run.name)
    for path in _codes(work / "tokens", codes):
        room.add(path, tokens / path.parent.name / path.name, _write_smaller)
    room.tell()


def train(
    models: Sequence[str],
    config: Path,
    data: Path,
    runs: Path,
    device: str,
    seconds: float,
    steps: int | None,
    eager: bool,
) -> None:
    """Trains models one after another; what one leaves of its share of the time is the next ones'.

    Args:
        models: names of tables of the config.
        config: a TOML file.
        data: the folder that `pack` filled.
        runs: where the runs are; a checkpoint of `data` is taken where there is none.
        device: "cuda" or "cpu".
        seconds: for all models together; 0 for no limit.
        steps: instead of the config's.
        eager: without torch.compile.
    """
    from bark.training.run import read_settings
    from bark.training.run import train as run

    until = time.monotonic() + seconds
    for place, model in enumerate(models):
        settings = read_settings(config)
        loop = settings[model].setdefault("loop", {})
        if seconds:
            loop["minutes"] = max(1.0, (until - time.monotonic()) / (len(models) - place)) / 60
        loop["steps"] = steps or loop["steps"]
        settings[model]["sets"] = _present(settings[model]["sets"], data / "tokens", model)
        loop["compile"] = loop.get("compile", False) and not eager
        packed, own = data / "runs" / model, runs / model
        if (packed / SMALL).exists() and not (own / STATE).exists():
            shutil.copytree(packed, own, dirs_exist_ok=True)
            restore(own)
        run(model, settings, data, runs, device)


def collect(models: Sequence[str], runs: Path, out: Path) -> None:
    """Writes what comes back as pieces: exported weights, logs, and what it takes to go on from them."""
    out.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    left_out = []
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in _to_collect(models, runs):
            if archive.tell() + len(content) + 2 * tarfile.RECORDSIZE > PIECES * PIECE:
                left_out.append(f"{name} ({len(content) / MB:.1f} MB)")
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    pieces = archive.getbuffer()
    for number, start in enumerate(range(0, len(pieces), PIECE)):
        (out / f"runs.tar.{number}").write_bytes(pieces[start : start + PIECE])
    print(f"{len(pieces) / MB:.1f} MB in {out}; left out: {', '.join(left_out) or 'nothing'}", flush=True)


def _unpack(tar: tarfile.TarFile, runs: Path) -> None:
    """What `extractall(filter="data")` does with files, which Python has only from 3.11.4 on."""
    for member in tar:
        source, name = tar.extractfile(member) if member.isfile() else None, Path(member.name)
        if source is None or name.is_absolute() or ".." in name.parts:
            raise SystemExit(f"{member.name} is not a file of a run")
        (runs / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / name).write_bytes(source.read())


def join(pieces: Path, runs: Path, replace: bool) -> None:
    """Puts what came back where runs are.

    Args:
        pieces: folder of the pieces.
        runs: folder of runs; one that is there already is an error, unless `replace`.

    Raises:
        SystemExit: there are no pieces, or a run is in the way.
    """
    parts = sorted(pieces.glob("runs.tar.*"))
    if not parts:
        raise SystemExit(f"{pieces}: no pieces runs.tar.0, runs.tar.1 …")
    with tarfile.open(fileobj=io.BytesIO(b"".join(part.read_bytes() for part in parts))) as tar:
        names = tar.getnames()
        there = sorted({runs / Path(name).parent for name in names if (runs / name).exists()})
        if there and not replace:
            raise SystemExit(
                f"{', '.join(map(str, there))}: there is a run already; name another folder, or --replace it"
            )
        _unpack(tar, runs)
    for folder in {runs / Path(name).parent for name in names if Path(name).name == SMALL}:
        if any(folder.glob("*.safetensors")):
            restore(folder)
    print(f"{runs}: {', '.join(names)}")


class Room:
    """A folder that must not grow beyond so many megabytes."""

    def __init__(self, folder: Path, limit: float) -> None:
        self._folder, self._limit = folder, limit * MB
        self._used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        self._left_out: list[str] = []

    def add(self, source: Path, target: Path, write: Callable[[Path, Path], Any]) -> bool:
        """Writes a file, if it then fits; whether it does."""
        target.parent.mkdir(parents=True, exist_ok=True)
        write(source, target)
        size = target.stat().st_size
        if self._used + size > self._limit:
            target.unlink()
            self._left_out.append(f"{source.parent.name}/{source.name}")
            return False
        self._used += size
        return True

    def add_run(self, source: Path, target: Path) -> None:
        """Takes a run's exported weights and what it takes to go on from them, if it has any."""
        small = _small(source)
        for path in source.glob("*.safetensors"):
            if small is not None and self.add(path, target / path.name, shutil.copyfile):
                (target / SMALL).write_bytes(small)
                self._used += len(small)

    def tell(self) -> None:
        """Says what came in and what didn't."""
        print(f"{self._folder}: {self._used / MB:.1f} MB; left out: {', '.join(self._left_out) or 'nothing'}")


def shrink(state: Mapping[str, Any], exported: Iterable[str]) -> dict[str, Any]:
    """What a GPT's checkpoint has beside its exported weights: a few kilobytes.

    Optimizers are left out: theirs are short memories. So are the weights that aren't averaged: a run goes on from
    the average as well.
    """
    names, module = set(exported), state["module"]
    first = {value.data_ptr(): name for name, value in module.items() if name.removeprefix(MODEL) in names}
    others = {name: value for name, value in module.items() if name not in first.values()}
    aliases = {name: first[value.data_ptr()] for name, value in others.items() if value.data_ptr() in first}
    buffers = {name: value for name, value in others.items() if name not in aliases}
    kept = {"aliases": aliases, "buffers": buffers, "averaged": bool(state["average"])}
    return {"step": state["step"], "random": state["random"], **kept}


def grow(small: Mapping[str, Any], exported: Mapping[str, Tensor]) -> dict[str, Any]:
    """A checkpoint to go on from, of what `shrink` left and the exported weights."""
    weights = {MODEL + name: value.float() for name, value in exported.items()}
    aliases = {name: weights[first] for name, first in small["aliases"].items()}
    return {
        "step": small["step"],
        "random": small["random"],
        "module": {**weights, **aliases, **small["buffers"]},
        "average": weights if small["averaged"] else {},
        "optimizers": None,
    }


def restore(folder: Path) -> None:
    """Makes a run's `last.pt` of its exported weights and what `shrink` left beside them."""
    weights = load_file(next(folder.glob("*.safetensors")))
    save_state(grow(torch.load(folder / SMALL, weights_only=True), weights), folder / STATE)


def _present(sets: Mapping[str, float], tokens: Path, model: str) -> dict[str, float]:
    """The sets that have what a model learns from; others had no room in what came here."""
    kind = "semantic" if model == "semantic" else "codes"
    present = {name: weight for name, weight in sets.items() if any((tokens / name).glob(f"*.{kind}.npz"))}
    for name in set(sets) - set(present):
        print(f"{model}: no {kind} of {name} here, so without it", flush=True)
    return present


def _small(run: Path) -> bytes | None:
    """What `shrink` leaves of a run, None where it has saved nothing."""
    exported = next(run.glob("*.safetensors"), None)
    if exported is None or not (run / STATE).exists():
        return None
    with safe_open(exported, "pt") as file:
        small = shrink(torch.load(run / STATE, map_location="cpu", weights_only=True), file.keys())
    content = io.BytesIO()
    torch.save(small, content)
    return content.getvalue()


def _to_collect(models: Sequence[str], runs: Path) -> Iterator[tuple[str, bytes]]:
    for model in models:
        small = _small(runs / model)
        if small is not None:
            yield f"{model}/{SMALL}", small
        for path in [runs / model / LOG, *sorted((runs / model).glob("*.safetensors"))]:
            if path.exists():
                yield f"{model}/{path.name}", path.read_bytes()


def _codes(tokens: Path, wanted: Sequence[str]) -> list[Path]:
    """Shards of codes in the order that they are wanted in."""
    sets = {folder.name: sorted(folder.glob("*.codes.npz")) for folder in tokens.iterdir() if folder.is_dir()}
    order = wanted or sorted(sets, key=lambda name: sum(path.stat().st_size for path in sets[name]))
    return [path for name in order for path in sets[name]]


def _write_smaller(source: Path, target: Path) -> None:
    """The same arrays in an npz that LZMA packed: 10-bit tokens in 16 take up about 11."""
    with np.load(source) as arrays, zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        for name in arrays.files:
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, arrays[name], allow_pickle=False)


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=pack)
    parser.add_argument("--work", type=Path, default=Path("work"), help="of the recipe")
    parser.add_argument("--out", type=Path, default=Path(".device"))
    parser.add_argument("--limit", type=float, default=45, help="megabytes in all")
    parser.add_argument("--codes", nargs="*", default=[], help="sets whose codes are wanted, the first ones first")
    parser.add_argument("--runs", type=Path, help="folder of runs to go on from; none begins anew")
    parser.add_argument("--models", nargs="*", default=MODELS, help="whose checkpoints are wanted of these")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=train)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--config", type=Path, default=Path("recipes/pup/configs/gpu.toml"))
    parser.add_argument("--data", type=Path, default=Path(".device"))
    parser.add_argument("--runs", type=Path, default=Path("build/device/runs"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=0, help="for all models together; 0 for no limit")
    parser.add_argument("--steps", type=int, help="of each model, instead of the config's")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")


def _collect_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=collect)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--runs", type=Path, default=Path("build/device/runs"))
    parser.add_argument("--out", type=Path, required=True)


def _join_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(step=join)
    parser.add_argument("pieces", type=Path, help="folder of runs.tar.0, runs.tar.1 …")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--replace", action="store_true", help="runs that are there already")


if __name__ == "__main__":
    main()
