"""Speaks sentences, with a model of this project or a teacher of its evaluation; see serving.py.

The first line: {"kind": "bark", "threads": 1, "options": {"model": …}}, or a teacher's kind; Kokoro's option is
"voices". Its task: {"task": "say", "text": …, "voice": …, "seed": …} → seconds, duration.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from serving import peak_memory, serve


class Speech:
    """A model, or a teacher.

    Args:
        asked: the first line.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        self._say = _bark(asked) if asked["kind"] == "bark" else _teacher(asked)

    def say(self, text: str, voice: str | None, seed: int) -> dict[str, float]:
        """Speaks a sentence."""
        started = time.perf_counter()
        duration = self._say(text, voice, seed)
        return {"seconds": time.perf_counter() - started, "duration": duration}

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        return {"memory": peak_memory()}


def _bark(asked: dict[str, Any]) -> Any:
    import torch

    from bark.pipeline import Bark

    torch.set_num_threads(asked["threads"])
    bark = Bark(**asked["options"])
    bark.parts.load()
    return lambda text, voice, seed: bark.generate(text, voice, seed=seed).duration


def _teacher(asked: dict[str, Any]) -> Any:
    from bark.evaluation.teachers import SAMPLE_RATE, make_teacher

    voices = asked["options"].get("voices")
    teacher = make_teacher(asked["kind"], Path(voices) if voices else None)

    def say(text: str, voice: str, seed: int) -> float:
        spoken = teacher.say(text, voice, 1.0, seed)
        return 0.0 if spoken is None else len(spoken.audio) / SAMPLE_RATE

    return say


if __name__ == "__main__":
    serve(Speech)
