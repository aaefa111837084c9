"""The recipe's steps: `python -m recipes.pup STEP --config recipes/pup/configs/cpu.toml`.

corpus    the teachers speak the texts, and a judge says which clips are understood
check     the judge alone, beside a `corpus` that is still speaking
tokenize  the corpus as text, semantic and codec tokens
begin     the GPTs of an earlier checkpoint, for the tokens of this one
train     one model after another: codec, codec-decoder, semantic-tokenizer, semantic, coarse, fine
unpack    a checkpoint, the bundled one unless another is named, as the work folder of a recipe that goes on from it
pack      the trained weights, the tokenizers and the voices as one checkpoint folder
evaluate  the checkpoint beside its teacher, in every language, on sentences that no model has seen
abilities what it does beside that: men and women by a tag, languages that change, voices of strangers, sounds and song

Each step does what isn't done yet, so any of them may be killed and started again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bark.errors import BarkError
from bark.evaluation.judging import JUDGES
from recipes.pup import texts

if TYPE_CHECKING:
    from recipes.pup.corpus import CorpusSet

MODELS = ("codec", "codec-decoder", "semantic-tokenizer", "semantic", "coarse", "fine")


def main() -> None:
    """Runs the step that the arguments name."""
    steps = {
        "corpus": corpus,
        "check": check,
        "tokenize": tokenize,
        "begin": begin,
        "train": train,
        "unpack": unpack,
        "pack": pack,
        "evaluate": evaluate,
        "abilities": abilities,
        "all": everything,
    }
    parser = argparse.ArgumentParser(
        prog="python -m recipes.pup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=list(steps))
    parser.add_argument("--config", type=Path, default=Path("recipes/pup/configs/cpu.toml"))
    parser.add_argument("--work", type=Path, default=Path("work"), help="where data, checkpoints and logs go")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--wordnet", type=Path, default=texts.WORDNET)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="*", help="names of the sets (corpus), models (train) or abilities")
    parser.add_argument("--languages", nargs="+", default=[], help="of evaluate; else all that have presets")
    parser.add_argument("--sentences", type=int, help="of evaluate: of each language, at most")
    parser.add_argument(
        "--checkpoint", nargs="+", type=Path, default=[], help="to judge, else WORK/checkpoint; to unpack, else pup"
    )
    parser.add_argument("--judges", nargs="+", default=JUDGES, choices=JUDGES, help="of evaluate; else all")
    arguments = parser.parse_args()
    try:
        from bark.training.run import read_settings

        config = without_absent(read_settings(arguments.config), arguments.work)
        steps[arguments.step](config, arguments)
    except (BarkError, FileNotFoundError) as error:
        sys.exit(f"{arguments.step}: {error}")


def without_absent(config: dict[str, Any], work: Path) -> dict[str, Any]:
    """The config without the ready sets that aren't there: they are welcome, not needed."""
    names = {ready["name"]: work / ready["archive"] for ready in config["corpus"].get("ready", [])}
    absent = {name for name, path in names.items() if not path.exists() and not (work / "corpus" / name).exists()}
    for name in absent:
        print(f"{name}: no {names[name]}, so without it")
    made = {each["name"]: 1.0 for each in config["corpus"].get("sets", []) if each["teacher"] == "kokoro"}
    for table in [config[model] for model in MODELS if model in config]:
        left = {name: weight for name, weight in table["sets"].items() if name not in absent}
        table["sets"] = left or made  # a codec that would hear ready clips alone hears what the teacher says
    presets = config.get("voices", {}).get("sets", {})
    for names in presets.values() if isinstance(presets, dict) else [presets]:
        names[:] = [name for name in names if name not in absent]
    wanted = config.get("tokenize", {"semantic": [], "codes": {}})
    wanted["semantic"] = [name for name in wanted["semantic"] if name not in absent]
    wanted["codes"] = {name: shards for name, shards in wanted["codes"].items() if name not in absent}
    return config


def everything(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """All steps, in the order that their needs dictate."""
    arguments.only = None
    corpus(config, arguments)
    for models in (MODELS[:3], MODELS[3:]):
        arguments.only = [model for model in models if model in config]
        train(config, arguments)
        tokenize(config, arguments)
        if models == MODELS[:3] and (arguments.work / "before").is_dir():
            begin(config, arguments)  # makes what `initial` of the others names
    pack(config, arguments)
    evaluate(config, arguments)


def corpus(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Audio of every set, by the teachers or from ready archives; then the judge hears what it hasn't."""
    from recipes.pup.corpus import hours, import_ready, make

    for ready in config["corpus"].get("ready", []):
        archive, rows = (arguments.work / ready[part] for part in ("archive", "rows"))
        if archive.exists():
            out = arguments.work / "corpus" / ready["name"]
            import_ready(archive, rows, out, judged="max_error" in ready)
    out = arguments.work / "corpus"
    print(hours(_judged_sets(config, arguments), out), flush=True)
    make(_sets(config, arguments), out, _kokoro_voices(arguments), arguments.wordnet, arguments.processes)
    check(config, arguments)


def check(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Verdicts on the clips of every set that wants them; how well each voice is understood, and the hours left."""
    from recipes.pup.corpus import hours
    from recipes.pup.heard import check as run
    from recipes.pup.heard import voices

    sets, out = _judged_sets(config, arguments), arguments.work / "corpus"
    if any(part.max_error is not None for part in sets):
        run(sets, out)
        print(voices(sets, out), end="\n\n")
    print(hours(sets, out), flush=True)


def tokenize(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Whatever tokens the models trained so far can make."""
    from recipes.pup import tokenize as step

    step.text_tokenizer(config, arguments.work, arguments.wordnet)
    step.semantic(config, arguments.work)
    step.codes(config, arguments.work)


def begin(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """What the GPTs' `initial` names, made of the checkpoint `before` of the work folder."""
    from recipes.pup.begin import begin as run

    run(config, arguments.work, arguments.work / "before")


def train(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """The models wanted, one after another, each from where it was."""
    from bark.training.run import train as run

    for model in arguments.only or [model for model in MODELS if model in config]:
        run(model, config, arguments.work, arguments.work / "runs", arguments.device)


def unpack(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Weights, tokenizers and voices of a checkpoint, where the other steps look for them."""
    from bark.checkpoints.registry import find_checkpoint
    from recipes.pup.pack import unpack as run

    for checkpoint in arguments.checkpoint or [find_checkpoint("pup")]:
        run(checkpoint, arguments.work)


def pack(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """The checkpoint folder."""
    from recipes.pup.pack import pack as run

    run(config, arguments.work, _kokoro_voices(arguments))


def evaluate(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Figures, audio and pictures of the checkpoint and its teacher, in every language."""
    # As Kokoro has. On two cores that others use too, two threads wait for each other: 0.05 × real time, not 1.2.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from recipes.pup.evaluate import STANDARD
    from recipes.pup.evaluate import evaluate as run

    run(
        config,
        arguments.work,
        arguments.checkpoint,
        arguments.kokoro_voices,
        arguments.sentences or config.get("evaluate", {}).get("sentences", STANDARD),
        arguments.languages,
        arguments.judges,
    )


def abilities(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Figures of what checkpoints do beside reading sentences aloud."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from recipes.pup.abilities import abilities as run
    from recipes.pup.abilities import to_markdown
    from recipes.pup.evaluate import presets_of

    languages = list(presets_of(config, arguments.languages))
    for checkpoint in arguments.checkpoint or [arguments.work / "checkpoint"]:
        print(to_markdown(run(checkpoint, arguments.work, _kokoro_voices(arguments), languages, arguments.only)))


def _sets(config: dict[str, Any], arguments: argparse.Namespace) -> list[CorpusSet]:
    """The sets that a teacher speaks, of those wanted."""
    from recipes.pup.corpus import CorpusSet

    sets = [CorpusSet(**{**part, "voices": tuple(part["voices"])}) for part in config["corpus"]["sets"]]
    return [part for part in sets if not arguments.only or part.name in arguments.only]


def _judged_sets(config: dict[str, Any], arguments: argparse.Namespace) -> list[CorpusSet]:
    """Those, and the ready ones."""
    from recipes.pup.corpus import CorpusSet

    ready = [
        CorpusSet(
            part["name"], "kokoro", (), 0, 0, language=Path(part["archive"]).stem, max_error=part.get("max_error")
        )
        for part in config["corpus"].get("ready", [])
        if not arguments.only or part["name"] in arguments.only
    ]
    return [*_sets(config, arguments), *ready]


def _kokoro_voices(arguments: argparse.Namespace) -> Path:
    found: Path = arguments.kokoro_voices or arguments.work / "kokoro-js-1.2.1.tgz"
    return found


if __name__ == "__main__":
    main()
