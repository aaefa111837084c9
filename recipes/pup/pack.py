"""Step `pack`: trained weights, tokenizers and voices as the checkpoint folder that the package ships; and back."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bark import Bark
from bark.checkpoints.base import STAGES
from bark.checkpoints.native import save_checkpoint
from bark.checkpoints.tensors import read_weights, save_tensors
from bark.errors import CheckpointError, OptionError
from bark.lines import language_of
from bark.models.config import GPTConfig, ModelConfig
from bark.training.semantic import SemanticTaskConfig
from recipes.pup.corpus import teacher_of
from recipes.pup.presets import Presets
from recipes.pup.readers import lend_manners, lenders_of, readers_of, set_manners

WEIGHTS = {
    "codec": "codec",
    "codec-decoder": "codec",
    "semantic-tokenizer": "semantic_tokenizer",
    "semantic": "semantic",
    "coarse": "coarse",
    "fine": "fine",
}
KINDS = ("float16", "int8")


def pack(config: Mapping[str, Any], work: Path, kokoro_voices: Path) -> None:
    """Writes `checkpoint/` of the work folder; presets are chosen anew only if they aren't there.

    `[voices.manners]` names clips of the teacher's in whose manner the presets of a language read, `[voices.borrowed]`
    presets in whose manner others do.
    `[pack] weights = "int8"` keeps the three stages' weights in a byte each, else they stay in float16.
    """
    readers, lenders = readers_of(config["voices"]), lenders_of(config["voices"])
    kind = config.get("pack", {}).get("weights", KINDS[0])
    if kind not in KINDS:
        raise OptionError(f"[pack] weights is {kind!r}; say {' or '.join(KINDS)}")
    folder = work / "checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    model = ModelConfig.from_dict(config["model"])
    if "alignment_heads" not in config["model"]:
        model = replace(model, alignment_heads=taught_heads(config, model.semantic))
    for run, name in WEIGHTS.items():
        source = work / "runs" / run / f"{name}.safetensors"
        if source.exists() or run != "codec-decoder":  # without it the codec's first decoder is used
            if kind == "int8" and name in STAGES:
                save_tensors(read_weights(source), folder / source.name, int8=True)
            else:
                shutil.copyfile(source, folder / source.name)
            synthesis = config.get(run, {}).get("synthesis")
            model = replace(model, codec={**model.codec, "synthesis": synthesis}) if synthesis else model
    save_checkpoint(folder, model, {}, tokenizer=work / "tokens" / "tokenizer.json")
    missing = [place for place in numbered(config["voices"]["presets"]) if not _preset(folder, place[0]).exists()]
    if missing:
        presets = Presets(config["voices"], work, Bark(folder, device="cpu"))
        for name, speaker, number in missing:
            path = _preset(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            presets.make(name, speaker, number).save(path)
    if readers:
        parts = Bark(folder, device="cpu").parts
        set_manners(folder / "voices", readers, lambda code: teacher_of("kokoro", kokoro_voices, code), parts)
    lend_manners(folder / "voices", lenders)


def unpack(checkpoint: Path, work: Path) -> None:
    """Fills a work folder with a checkpoint's parts, so that any of its models can be trained on, and the rest packed.

    The whole goes to `before/`, where `begin` and `initial` find it, weights to `runs/`, the text tokenizer to
    `tokens/`, voices to `checkpoint/`. What is there already stays.

    Raises:
        CheckpointError: it lacks a part.
    """
    names = {run: f"{name}.safetensors" for run, name in WEIGHTS.items() if run != "codec-decoder"}
    parts = {checkpoint / name: work / "runs" / run / name for run, name in names.items()}
    parts[checkpoint / "tokenizer.json"] = work / "tokens" / "tokenizer.json"
    parts |= {
        voice: work / "checkpoint" / voice.relative_to(checkpoint) for voice in checkpoint.glob("voices/**/*.npz")
    }
    if absent := [source.name for source in [*parts, checkpoint / "config.json"] if not source.is_file()]:
        raise CheckpointError(f"{checkpoint} has no {', '.join(absent)}")
    for source, target in parts.items():
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    if not (work / "before").exists():
        shutil.copytree(checkpoint, work / "before")


def numbered(presets: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Name, speaker and number of each preset; numbers are counted in each language."""
    counts: Counter[str | None] = Counter()
    for name, speaker in presets.items():
        language = language_of(name)
        yield name, speaker, counts[language]
        counts[language] += 1


def _preset(folder: Path, name: str) -> Path:
    return folder / "voices" / f"{name}.npz"


def taught_heads(config: Mapping[str, Any], shape: GPTConfig) -> tuple[tuple[int, int], ...]:
    """(layer, head) pairs of the semantic model that its training tells where to look; see `bark.engine.alignment`."""
    taught = config.get("semantic", {}).get("alignment_heads", SemanticTaskConfig.alignment_heads)
    return tuple((layer, head) for layer, head in taught if layer < shape.n_layer and head < shape.n_head)
