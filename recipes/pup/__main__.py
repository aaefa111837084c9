"""The recipe's steps: `python -m recipes.pup corpus --config recipes/pup/configs/cpu.toml`."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from recipes.pup import texts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.pup", description=__doc__)
    parser.add_argument("step", choices=["corpus"])
    parser.add_argument("--config", type=Path, default=Path("recipes/pup/configs/cpu.toml"))
    parser.add_argument("--work", type=Path, default=Path("work"), help="where data, checkpoints and logs go")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--wordnet", type=Path, default=texts.WORDNET)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of the parts to make")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text(encoding="utf-8"))
    corpus(config, arguments)


def corpus(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from recipes.pup.corpus import CorpusSet, make

    sets = [CorpusSet(**{**part, "voices": tuple(part["voices"])}) for part in config["corpus"]["sets"]]
    chosen = [part for part in sets if not arguments.only or part.name in arguments.only]
    voices = arguments.kokoro_voices or arguments.work / "kokoro-js-1.2.1.tgz"
    make(chosen, arguments.work / "corpus", voices, arguments.wordnet, arguments.processes)


if __name__ == "__main__":
    main()
