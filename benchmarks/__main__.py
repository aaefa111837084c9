"""The command: reads what to measure, measures, and writes tables, figures and a picture."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

from bark.evaluation.measures import Workload
from bark.files import replacing
from benchmarks.compare import Plan, compare
from benchmarks.flame import draw_flames, read_stacks
from benchmarks.load import LoadPlan, load_markdown, measure_loads
from benchmarks.plot import plot
from benchmarks.report import to_markdown
from benchmarks.serve.report import serving_markdown
from benchmarks.serve.run import MODES, ServePlan, measure_serving
from benchmarks.shapes import SHAPES
from benchmarks.speech import SENTENCES, compare_speech, speakers, speech_markdown
from benchmarks.systems import DEFAULT, parse
from benchmarks.weights import FORMS

OUT = Path("build") / "benchmarks"
MEASURES = ("codec", "semantic", "coarse", "fine", "speech", "speech_voice")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside the others, in one run.")
    commands = parser.add_subparsers(required=True, dest="command")
    for name, (run, add_arguments, says) in COMMANDS.items():
        command = commands.add_parser(name, help=says, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument("--out", type=Path, default=OUT, help="folder of the results")
        command.set_defaults(run=run)
        for add in add_arguments:
            add(command)
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    asked.run(asked)


def run_compare(asked: argparse.Namespace) -> None:
    """Stages, the whole way and memory, of all systems."""
    workload = Workload(asked.text, asked.tokens, asked.seconds, tuple(asked.batches))
    plan = Plan(
        systems=[parse(text) for text in asked.systems],
        shapes=asked.shapes,
        workload=workload,
        rounds=asked.rounds,
        only=asked.measures,
        device=asked.device,
        threads=asked.threads,
        gib=asked.buffer,
        original_site=asked.original_site,
    )
    for results in compare(plan, tell):  # what has been seen is kept, should this be cut off
        write(asked.out, "compare", results, to_markdown(results))
    print(to_markdown(results), flush=True)
    if importlib.util.find_spec("matplotlib"):  # a machine that is lent may not have it
        plot(results, asked.out / "compare.png")


def run_speech(asked: argparse.Namespace) -> None:
    """Sentences, of pup and others."""
    sentences = [line for line in asked.sentences.read_text(encoding="utf-8").splitlines() if line.strip()]
    who = speakers(asked.model, asked.voice, asked.kokoro_voices, asked.piper)
    results = compare_speech(who, sentences[: asked.limit], tell)
    show(asked.out, "speech", results, speech_markdown(results))


def run_load(asked: argparse.Namespace) -> None:
    """What loading takes."""
    options = [dict(pair.split("=", 1) for pair in text.split(",")) for text in asked.options]
    plan = LoadPlan(asked.shape, asked.forms, options, asked.optimizer, asked.tokens, asked.work)
    results = measure_loads(plan, tell)
    show(asked.out, "load", results, load_markdown(results))


def run_serve(asked: argparse.Namespace) -> None:
    """The server under load; runs that were made before are kept."""
    plan = ServePlan(
        modes=asked.modes,
        clients=asked.clients,
        seconds=asked.seconds,
        overload=asked.overload,
        hangups=asked.hangups,
        model=asked.model,
        flags=asked.flags.split(),
    )
    results, path = measure_serving(plan, tell), asked.out / "server.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    results = {"runs": {**before.get("runs", {}), **results["runs"]}}
    show(asked.out, "server", results, serving_markdown(results))


def run_all(asked: argparse.Namespace) -> None:
    """The three, one after another."""
    for run in (run_compare, run_speech, run_load):
        run(asked)


def run_plot(asked: argparse.Namespace) -> None:
    """The tables and the picture of results that are kept, without measuring."""
    results = json.loads(asked.results.read_text(encoding="utf-8"))
    show(asked.out, "compare", results, to_markdown(results))
    plot(results, asked.out / "compare.png")


def run_flame(asked: argparse.Namespace) -> None:
    """A picture of where the time went."""
    with asked.stacks.open(encoding="utf-8") as lines:
        draw_flames(read_stacks(lines, asked.root), asked.out / "flame.png")


def write(out: Path, name: str, results: dict[str, Any], markdown: str) -> None:
    """Leaves `NAME.json` and `NAME.md`."""
    for suffix, text in ((".json", json.dumps(results, indent=1, ensure_ascii=False) + "\n"), (".md", markdown)):
        with replacing(out / f"{name}{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")


def show(out: Path, name: str, results: dict[str, Any], markdown: str) -> None:
    """Leaves them, and shows the tables."""
    write(out, name, results, markdown)
    print(markdown, flush=True)


def tell(text: str) -> None:
    """What is being done, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--systems", nargs="+", default=list(DEFAULT), help="the others are divided by the first")
    parser.add_argument("--shapes", nargs="+", default=["small"], choices=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measures", nargs="*", choices=MEASURES, help="instead of all; --batches is apart")
    parser.add_argument("--text", type=int, default=24, help="ids that are spoken")
    parser.add_argument("--tokens", type=int, default=64, help="semantic tokens that decoding is timed over")
    parser.add_argument("--seconds", type=float, default=2.0, help="of an utterance")
    parser.add_argument("--batches", type=int, nargs="*", default=[2, 8], help="utterances at once")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="of each system; 0 for as many as there are cores")
    parser.add_argument("--buffer", type=float, default=1.0, help="GiB that the memory's speed is measured with")
    parser.add_argument("--original-site", type=Path, help="folder with the original's packages, instead of a venv")


def _speech_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sentences", type=Path, default=SENTENCES)
    parser.add_argument("--limit", type=int, default=10, help="sentences")
    parser.add_argument("--model", help="instead of pup")
    parser.add_argument("--voice", default="v2/en_speaker_0", help="of pup")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--piper", type=Path, help="another voice of Piper's, NAME.onnx")


def _load_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shape", default="large", choices=list(SHAPES), help="of what is loaded")
    parser.add_argument("--forms", nargs="+", default=["suno", "native"], choices=FORMS)
    parser.add_argument("--options", nargs="+", default=["dtype=float32", "dtype=bfloat16", "quantize=int8"])
    parser.add_argument("--optimizer", action=argparse.BooleanOptionalAction, default=True, help="in Suno's files")
    parser.add_argument("--work", type=Path, help="folder for the weights, which are removed; 13 GB for large")


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--modes", nargs="+", default=["rates", "hangup", "term", "term-group"], choices=list(MODES))
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64], help="at a time")
    parser.add_argument("--seconds", type=float, default=120.0, help="of each number of clients")
    parser.add_argument("--overload", type=float, default=600.0, help="seconds of four times what can be done")
    parser.add_argument("--hangups", type=int, default=200, help="clients that leave half-way")
    parser.add_argument("--model", help="instead of pup")
    parser.add_argument("--flags", default="", help="of bark serve, in one word, as in --flags='--workers 2'")


def _spoken_tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tokens", type=int, default=20, help="semantic tokens that are spoken")


def _plot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="a compare.json")


def _flame_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stacks", type=Path, help="what `py-spy record -f raw` has written")
    parser.add_argument("--root", default="", help="part of a frame's name; only what it called is drawn")


COMMANDS = {
    "all": (run_all, (_compare_arguments, _speech_arguments, _load_arguments), "compare, speech and load"),
    "compare": (run_compare, (_compare_arguments,), "stages, the whole way, memory"),
    "speech": (run_speech, (_speech_arguments,), "pup beside other small voices"),
    "load": (run_load, (_load_arguments, _spoken_tokens), "what loading takes"),
    "serve": (run_serve, (_serve_arguments,), "the server under load"),
    "flame": (run_flame, (_flame_arguments,), "picture of where a program's time went"),
    "plot": (run_plot, (_plot_arguments,), "tables and picture of results that are kept"),
}

if __name__ == "__main__":
    main()
