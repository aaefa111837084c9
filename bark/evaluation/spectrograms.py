"""Two systems' spectrograms of the same sentences, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bark.evaluation.files import make_folder
from bark.evaluation.judging import Clip
from bark.evaluation.packages import require
from bark.files import replacing

WINDOW, HOP = 1024, 256  # samples
FLOOR = -80.0  # dB below the loudest


def draw(systems: dict[str, Sequence[Clip]], folder: Path, count: int = 10) -> list[Path]:
    """Draws the first sentences of all systems, a PNG a sentence.

    Args:
        systems: clips of the same sentences in the same order, by the name of who speaks them.
        folder: where the files go.
        count: of sentences at most.

    Returns:
        The files.

    Raises:
        BarkError: matplotlib isn't installed.
        OutputError: a file can't be written.
    """
    make_folder(folder)
    names = list(systems)
    return [
        _draw_row(dict(zip(names, clips, strict=True)), folder / f"{i:02d}.png")
        for i, clips in enumerate(list(zip(*systems.values(), strict=True))[:count])
    ]


def _draw_row(clips: dict[str, Clip], path: Path) -> Path:
    # The figure is made without pyplot, which would choose a window system and keep every figure.
    figure = require("matplotlib.figure").Figure(figsize=(6 * len(clips), 3.6), layout="constrained")
    longest = max(clip.duration for clip in clips.values())
    panels = figure.subplots(1, len(clips), sharey=True, squeeze=False)[0]
    for panel, (name, clip) in zip(panels, clips.items(), strict=True):
        _draw(panel, clip)
        panel.set(title=f"{name}, {clip.voice}", xlabel="s", xlim=(0, longest))
    panels[0].set_ylabel("kHz")
    figure.suptitle(next(iter(clips.values())).text.replace("$", r"\$"))
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
    return path


def _draw(panel: Any, clip: Clip) -> None:
    levels = spectrogram(clip)
    extent = (0, clip.duration, 0, clip.sample_rate / 2000)
    panel.imshow(levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=FLOOR, vmax=0)


def spectrogram(clip: Clip) -> Any:
    """Levels in dB below the loudest, float [WINDOW // 2 + 1, T]."""
    audio = np.pad(clip.audio, (WINDOW // 2, WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP]  # [T, WINDOW]
    size = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))).T
    return np.maximum(20 * np.log10(size / max(size.max(), 1e-9) + 1e-9), FLOOR)
