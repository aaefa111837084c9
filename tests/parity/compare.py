"""Our tokens and audio beside the original's, from the same files: python -m tests.parity.compare [--record]

`make parity` makes the environment that the original runs in. With `--record`, what the original said replaces
`original.npz`, to which the tests hold us where there is no such environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from tests.parity.cases import AUDIO_STEP, CASES, TOLERANCE, Arrays, speak, write_models

HERE = Path(__file__).parent
RECORDED = HERE / "original.npz"
PYTHON = HERE.parents[1] / ".venvs" / "original" / "bin" / "python"
STAGES = ("semantic", "coarse", "fine")


def main(arguments: list[str]) -> int:
    """Prints a line a case; the status is 1 if any differs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_models(folder)
        subprocess.run([PYTHON, HERE / "original.py", folder, folder / "said.npz"], check=True)
        with np.load(folder / "said.npz") as file:
            original = dict(file)
        if "--record" in arguments:
            np.savez_compressed(RECORDED, **{name: compact(name, array) for name, array in original.items()})
        os.environ.update(BARK_MODEL=str(folder), BARK_DEVICE="cpu")
        equal = [compare(name, original) for name in CASES]  # all of them are printed
        return 0 if all(equal) else 1


def compact(name: str, array: np.ndarray) -> np.ndarray:
    """Tokens in two bytes each, and of the audio one sample in many."""
    return array[::AUDIO_STEP] if name.endswith("/audio") else array.astype(np.int16)


def compare(name: str, original: Arrays) -> bool:
    """Says one case, and prints how it differs; whether it doesn't."""
    from bark import generation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the long text is longer than what is read
        ours = speak(CASES[name], generation)
    theirs = {key: original[f"{name}/{key}"] for key in ours}
    wrong = {stage: differing(ours[stage], theirs[stage]) for stage in STAGES}
    audio = np.abs(ours["audio"] - theirs["audio"]).max() if not any(wrong.values()) else np.inf
    counts = ", ".join(f"{wrong[stage]} of {theirs[stage].size} {stage}" for stage in STAGES)
    print(f"{name}: {len(theirs['audio']) / 24_000:.1f} s; differing tokens: {counts}; audio differs by {audio:.1e}")
    return bool(audio <= TOLERANCE)


def differing(ours: np.ndarray, theirs: np.ndarray) -> int:
    """How many tokens are others, or all of them where the shapes are."""
    return int((ours != theirs).sum()) if ours.shape == theirs.shape else theirs.size


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
