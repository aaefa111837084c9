"""🤗 transformers' `BarkModel`: python benchmarks/workers/huggingface.py; see serving.py."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import torch
import transformers.utils
from serving import peak_memory, row, serve
from torch import Tensor

# 🤗 imports torchaudio wherever it is installed, also a build that doesn't load beside this torch; Bark needs none
transformers.utils.is_torchaudio_available = lambda: False
from transformers import BarkModel  # noqa: E402
from transformers.models.bark.generation_configuration_bark import (  # noqa: E402
    BarkCoarseGenerationConfig,
    BarkFineGenerationConfig,
    BarkSemanticGenerationConfig,
)

TEXT_LENGTH = 256
SAMPLED = {"do_sample": True, "temperature": 0.7}
LIKELIEST = {"do_sample": False}


class HuggingFace:
    """A `BarkModel`.

    Args:
        asked: the first line. Options: `dtype`; `quantize="int8"` for torch's dynamic quantisation, on a CPU.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        torch.set_num_threads(asked["threads"])
        warnings.simplefilter("ignore")
        transformers.logging.set_verbosity_error()
        self.device = torch.device(asked["device"])
        options = asked["options"]
        dtype = getattr(torch, options.get("dtype", "float32"))
        self.model = BarkModel.from_pretrained(asked["folder"], dtype=dtype).to(self.device).eval()
        self.model.codec_model.float()  # as the other implementations have it; its LSTM is slower in bfloat16
        if options.get("quantize") == "int8":
            _quantize(self.model)
        generation = self.model.generation_config
        self.configs: dict[str, Any] = {
            "semantic_generation_config": BarkSemanticGenerationConfig(**generation.semantic_config),
            "coarse_generation_config": BarkCoarseGenerationConfig(**generation.coarse_acoustics_config),
            "fine_generation_config": BarkFineGenerationConfig(**generation.fine_acoustics_config),
        }
        self.text = torch.zeros(1, TEXT_LENGTH, dtype=torch.long, device=self.device)
        self.text[0, : len(asked["text"])] = torch.tensor(asked["text"])
        self.mask = (torch.arange(TEXT_LENGTH, device=self.device) < len(asked["text"])).long()[None]
        with np.load(asked["voice"]) as arrays:
            self._history = {
                name: torch.tensor(array.astype(np.int64)).to(self.device) for name, array in arrays.items()
            }

    def semantic(self, tokens: int, voice: bool = False) -> dict[str, float]:
        """Decodes so many tokens."""
        return self._timed(self._semantic, tokens, voice)[0]

    def coarse(self, semantic: int, voice: bool) -> dict[str, float]:
        """Codes of so many semantic tokens."""
        seconds, codes = self._timed(self._coarse, self._tokens(semantic, 10_000), voice)
        return {**seconds, "tokens": float(codes.shape[1])}

    def fine(self, frames: int, voice: bool) -> dict[str, float]:
        """All codebooks of so many frames."""
        return self._timed(self._fine, self._interleaved(frames), voice)[0]

    def codec(self, frames: int) -> dict[str, float]:
        """The audio of so many frames."""
        codes = self._tokens(frames, 1024).expand(8, frames)[None]
        return self._timed(self._codec, codes)[0]

    def speech(self, tokens: int, voice: bool) -> dict[str, float]:
        """The whole way; no audio comes before all of it."""
        return self._speech(tokens, voice, 1)

    def batch(self, tokens: int, rows: int) -> dict[str, float]:
        """Several utterances at once."""
        return self._speech(tokens, False, rows)

    def memory(self) -> dict[str, float]:
        """Peak memory so far, GiB."""
        gpu = self.device.type == "cuda"
        return {"memory": peak_memory(), **({"gpu_memory": torch.cuda.max_memory_allocated() / 2**30} if gpu else {})}

    def check(self, tokens: int) -> dict[str, list[int]]:
        """The likeliest tokens of each stage, without a voice."""
        given = self._tokens(tokens, 10_000)
        codes = torch.remainder(self._coarse(given, False, LIKELIEST) - 10_000, 1024)
        some = given[0] % 1024
        fine = self._fine(self._flat(torch.stack([some, some])), False, None)
        return {
            "semantic": self._semantic(tokens, False, 1, LIKELIEST)[0].tolist(),
            "coarse": codes[0].tolist(),
            "fine": fine[0, 2:].ravel().tolist(),
        }

    def _speech(self, tokens: int, voice: bool, rows: int) -> dict[str, float]:
        first, semantic = self._timed(self._semantic, tokens, voice, rows)
        second, coarse = self._timed(self._coarse, semantic, voice)
        third, fine = self._timed(self._fine, coarse, voice)
        fourth, audio = self._timed(self._codec, fine)
        stages = dict(zip(("semantic", "coarse", "fine", "codec"), (first, second, third, fourth), strict=True))
        stages = {name: taken["seconds"] for name, taken in stages.items()}
        seconds = sum(stages.values())
        duration = audio.numel() / self.model.generation_config.sample_rate
        return {"seconds": seconds, "first": seconds, "duration": duration, **stages}

    def _semantic(self, tokens: int, voice: bool, rows: int = 1, how: dict[str, Any] = SAMPLED) -> Tensor:
        said: Tensor = self.model.semantic.generate(
            self.text.repeat(rows, 1),
            attention_mask=self.mask.repeat(rows, 1),
            semantic_generation_config=self.configs["semantic_generation_config"],
            history_prompt=self._history if voice else None,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            **how,
        )
        if said.shape != (rows, tokens):
            raise ValueError(f"asked for {rows} × {tokens} semantic tokens, got {tuple(said.shape)}")
        return said

    def _coarse(self, semantic: Tensor, voice: bool, how: dict[str, Any] = SAMPLED) -> Tensor:
        configs = {name: config for name, config in self.configs.items() if not name.startswith("fine")}
        history = self._history if voice else None
        codes: Tensor = self.model.coarse_acoustics.generate(semantic.clone(), **configs, history_prompt=history, **how)
        return codes

    def _fine(self, coarse: Tensor, voice: bool, temperature: float | None = 0.5) -> Tensor:
        history = self._history if voice else None
        with torch.inference_mode():
            codes: Tensor = self.model.fine_acoustics.generate(
                coarse, **self.configs, history_prompt=history, temperature=temperature
            )
        return codes

    def _codec(self, codes: Tensor) -> Tensor:
        with torch.inference_mode():
            audio: Tensor = self.model.codec_decode(codes).cpu()
        return audio

    def _tokens(self, length: int, vocab: int) -> Tensor:
        return torch.tensor([list(row(length, vocab))], device=self.device)

    def _interleaved(self, frames: int) -> Tensor:
        codes = self._tokens(frames, 1024)
        return self._flat(torch.cat([codes, codes]))

    def _flat(self, codes: Tensor) -> Tensor:
        """Codes [2, T] as the coarse model writes them, [1, T * 2]."""
        offsets = torch.tensor([[10_000], [11_024]], device=self.device)
        return (codes + offsets).T.reshape(1, -1)

    def _timed(self, work: Any, *arguments: Any) -> tuple[dict[str, float], Any]:
        started = time.perf_counter()
        result = work(*arguments)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - started}, result


def _quantize(model: Any) -> None:
    """The three models' linear layers to int8, as torch's own tool does it; the fine model's heads stay tied."""
    from torch.ao.quantization import quantize_dynamic

    for part in (model.semantic, model.coarse_acoustics, model.fine_acoustics):
        quantize_dynamic(part.layers, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)


if __name__ == "__main__":
    serve(HuggingFace)
