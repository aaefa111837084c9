"""bark.cpp, by `bark-cpp-python` (PyPI): python benchmarks/workers/barkcpp.py; see serving.py.

It makes whole utterances, without a voice, and says nothing of its stages. Its text is one unknown word, since every
text is padded to the same length. Its limit of semantic tokens is a setting of the loaded model, so another limit loads
it anew, which isn't timed.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bark_cpp.bark import Bark
from serving import MissingError, peak_memory, serve

NEVER = 2.0  # a probability of the end that is not reached
TYPES = {"q4_0": 2, "q8_0": 7, "q5_0": 8}  # ggml's numbers of them


class BarkCpp:
    """A file of weights.

    Args:
        asked: the first line. Options: `quantize`, of `TYPES`; `dtype` says what the file has, float16.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        self._path = Path(asked["folder"]) / "ggml_weights.bin"
        self._threads = asked["threads"]
        kind = asked["options"].get("quantize")
        if kind:
            whole, self._path = self._path, self._path.with_name(f"{kind}.bin")
            Bark.quantize_model(str(whole), str(self._path), TYPES[kind])
        self._bark = self._loaded(8)

    def speech(self, tokens: int, voice: bool) -> dict[str, float]:
        """The whole way; no audio comes before all of it."""
        if voice:
            raise MissingError("it knows no voices")
        if tokens != self._limit:
            self._bark.close()
            self._bark = self._loaded(tokens)
        started = time.perf_counter()
        audio = self._bark.generate_audio("text", self._threads)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "first": seconds, "duration": len(audio) / 24_000}

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        return {"memory": peak_memory()}

    def __getattr__(self, task: str) -> Any:
        if task not in ("semantic", "coarse", "fine", "codec", "batch", "check"):
            raise AttributeError(task)

        def missing(**arguments: Any) -> None:
            raise MissingError("it makes one whole utterance at a time")

        return missing

    def _loaded(self, tokens: int) -> Bark:
        self._limit = tokens
        return Bark(str(self._path), n_steps_text_encoder=tokens, min_eos_p=NEVER)


if __name__ == "__main__":
    serve(BarkCpp)
