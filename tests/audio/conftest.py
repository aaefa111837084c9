"""Files looked at by others than their writer."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RATE = 24_000


@pytest.fixture(scope="session")
def tone() -> np.ndarray:
    """Two seconds that rise from 200 to 2000 Hz, [T], of a length that no frame divides."""
    time = np.arange(2 * RATE + 77) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 + 450 * time) * time)).astype(np.float32)


@pytest.fixture(scope="session")
def decoded() -> Callable[[Path], tuple[np.ndarray, int]]:
    """Decodes a file with FFmpeg's libraries, as most players do: audio [T] and its rate."""
    av = pytest.importorskip("av")

    def decode(path: Path) -> tuple[np.ndarray, int]:
        with av.open(str(path)) as file:
            to_floats = av.AudioResampler(format="flt", layout="mono")
            frames = [*file.decode(audio=0), None]
            rows = [part.to_ndarray()[0] for frame in frames for part in to_floats.resample(frame)]
            return np.concatenate(rows) if rows else np.zeros(0, np.float32), file.streams.audio[0].rate

    return decode


@pytest.fixture(scope="session")
def probed() -> Callable[[Path], dict[str, Any]]:
    """What ffprobe says of a file: `duration` in seconds and the tags in small letters."""
    if shutil.which("ffprobe") is None:
        pytest.skip("there is no ffprobe")

    def probe(path: Path) -> dict[str, Any]:
        command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        tags = found["format"].get("tags", {}) | found["streams"][0].get("tags", {})
        said = {name.lower(): value for name, value in tags.items()}
        return said | {
            "duration": float(found["format"].get("duration", "nan")),
            "codec": found["streams"][0]["codec_name"],
        }

    return probe
