"""Step `pack`: trained weights, tokenizers and voices as the checkpoint folder that the package ships."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bark import Bark
from bark.checkpoints.native import save_checkpoint
from bark.models.config import ModelConfig
from recipes.pup.presets import Presets

WEIGHTS = {
    "codec": "codec",
    "codec-decoder": "codec",
    "semantic-tokenizer": "semantic_tokenizer",
    "semantic": "semantic",
    "coarse": "coarse",
    "fine": "fine",
}


def pack(config: Mapping[str, Any], work: Path) -> None:
    """Writes `checkpoint/` of the work folder; presets are chosen anew only if they aren't there."""
    folder = work / "checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    model = ModelConfig.from_dict(config["model"])
    for run, name in WEIGHTS.items():
        source = work / "runs" / run / f"{name}.safetensors"
        if source.exists() or run != "codec-decoder":  # without it the codec's first decoder is used
            shutil.copyfile(source, folder / source.name)
    save_checkpoint(folder, model, {}, tokenizer=work / "tokens" / "tokenizer.json")
    missing = {
        name: (number, speaker)
        for number, (name, speaker) in enumerate(config["voices"]["presets"].items())
        if not (folder / "voices" / f"{name}.npz").exists()
    }
    if missing:
        presets = Presets(config["voices"], work, Bark(folder, device="cpu"))
        for name, (number, speaker) in missing.items():
            path = folder / "voices" / f"{name}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            presets.make(name, speaker, number).save(path)
