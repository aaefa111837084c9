"""What passes for speech where nobody has to understand it."""

from __future__ import annotations

import numpy as np

from bark.audio.samples import Audio

RATE = 24_000


def babble(seconds: float = 10.0, pitch: float = 120.0, level: float = 0.3, seed: int = 0) -> Audio:
    """Syllables with a pitch, four a second, and after every six of them a pause."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.4 * time))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 20)], axis=0)
    syllables = np.sin(np.pi * 4 * time) ** 2 * (time % 2 < 1.5)
    sound = voice * syllables + 0.0005 * rng.normal(size=len(time))
    return (level * sound / np.abs(sound).max()).astype(np.float32)
