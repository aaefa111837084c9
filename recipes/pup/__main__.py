"""The recipe's steps: `python -m recipes.pup STEP --config recipes/pup/configs/cpu.toml`.

corpus    the teachers speak the texts
tokenize  the corpus as text, semantic and codec tokens
train     one model after another: codec, codec-decoder, semantic-tokenizer, semantic, coarse, fine
pack      the trained weights, the tokenizers and the voices as one checkpoint folder
evaluate  the checkpoint beside its teacher on sentences that no model has seen

Each step does what isn't done yet, so any of them may be killed and started again.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from recipes.pup import texts

MODELS = ("codec", "codec-decoder", "semantic-tokenizer", "semantic", "coarse", "fine")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.pup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["corpus", "tokenize", "train", "pack", "evaluate", "all"])
    parser.add_argument("--config", type=Path, default=Path("recipes/pup/configs/cpu.toml"))
    parser.add_argument("--work", type=Path, default=Path("work"), help="where data, checkpoints and logs go")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--wordnet", type=Path, default=texts.WORDNET)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="*", help="names of the sets (corpus) or models (train) wanted")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text(encoding="utf-8"))
    steps = {
        "corpus": corpus,
        "tokenize": tokenize,
        "train": train,
        "pack": pack,
        "evaluate": evaluate,
        "all": everything,
    }
    steps[arguments.step](config, arguments)


def everything(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """All steps, in the order that their needs dictate."""
    corpus(config, arguments)
    for models in (MODELS[:3], MODELS[3:]):
        arguments.only = models
        train(config, arguments)
        tokenize(config, arguments)
    pack(config, arguments)
    evaluate(config, arguments)


def corpus(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from recipes.pup.corpus import CorpusSet, import_ready, make

    for ready in config["corpus"].get("ready", []):
        if Path(ready["archive"]).exists():
            import_ready(Path(ready["archive"]), Path(ready["rows"]), arguments.work / "corpus" / ready["name"])
    sets = [CorpusSet(**{**part, "voices": tuple(part["voices"])}) for part in config["corpus"]["sets"]]
    chosen = [part for part in sets if not arguments.only or part.name in arguments.only]
    voices = arguments.kokoro_voices or arguments.work / "kokoro-js-1.2.1.tgz"
    make(chosen, arguments.work / "corpus", voices, arguments.wordnet, arguments.processes)


def tokenize(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from recipes.pup import tokenize as step

    step.text_tokenizer(config, arguments.work, arguments.wordnet)
    step.semantic(config, arguments.work)
    step.codes(config, arguments.work)


def train(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from bark.training.run import train as run

    for model in MODELS:
        if not arguments.only or model in arguments.only:
            run(model, config, arguments.work, arguments.work / "runs", arguments.device)


def pack(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from recipes.pup.pack import pack as run

    run(config, arguments.work)


def evaluate(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from recipes.pup.evaluate import evaluate as run

    run(config, arguments.work)


if __name__ == "__main__":
    main()
