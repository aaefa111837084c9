"""What Suno's `bark.generation` has beside its functions: numbers, names, and two contexts. All of it is in ours.

The numbers are those of Suno's models; another model has its own in `Bark.config`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from bark.tokens import SUNO

__all__ = [
    "ALLOWED_PROMPTS",
    "CODEBOOK_SIZE",
    "COARSE_INFER_TOKEN",
    "COARSE_RATE_HZ",
    "COARSE_SEMANTIC_PAD_TOKEN",
    "CONTEXT_WINDOW_SIZE",
    "InferenceContext",
    "N_COARSE_CODEBOOKS",
    "N_FINE_CODEBOOKS",
    "REMOTE_MODEL_PATHS",
    "SAMPLE_RATE",
    "SEMANTIC_INFER_TOKEN",
    "SEMANTIC_PAD_TOKEN",
    "SEMANTIC_RATE_HZ",
    "SEMANTIC_VOCAB_SIZE",
    "SUPPORTED_LANGS",
    "TEXT_ENCODING_OFFSET",
    "TEXT_PAD_TOKEN",
    "autocast",
]

CONTEXT_WINDOW_SIZE = 1024
SEMANTIC_RATE_HZ = SUNO.semantic_rate
SEMANTIC_VOCAB_SIZE = SUNO.semantic_vocab
CODEBOOK_SIZE = SUNO.codebook_size
N_COARSE_CODEBOOKS = SUNO.n_coarse
N_FINE_CODEBOOKS = SUNO.n_codebooks
COARSE_RATE_HZ = SUNO.frame_rate
SAMPLE_RATE = SUNO.sample_rate
TEXT_ENCODING_OFFSET = SUNO.text_offset
SEMANTIC_PAD_TOKEN = SUNO.semantic_pad
TEXT_PAD_TOKEN = SUNO.text_pad
SEMANTIC_INFER_TOKEN = SUNO.semantic_infer
COARSE_SEMANTIC_PAD_TOKEN = SUNO.coarse_semantic_pad
COARSE_INFER_TOKEN = SUNO.coarse_infer

SUPPORTED_LANGS = [
    ("English", "en"),
    ("German", "de"),
    ("Spanish", "es"),
    ("French", "fr"),
    ("Hindi", "hi"),
    ("Italian", "it"),
    ("Japanese", "ja"),
    ("Korean", "ko"),
    ("Polish", "pl"),
    ("Portuguese", "pt"),
    ("Russian", "ru"),
    ("Turkish", "tr"),
    ("Chinese", "zh"),
]
ALLOWED_PROMPTS = {"announcer"} | {
    f"{folder}{language}_speaker_{n}" for folder in ("", "v2/") for _, language in SUPPORTED_LANGS for n in range(10)
}

REMOTE_MODEL_PATHS = {
    f"{stage}{small}": {"repo_id": "suno/bark", "file_name": f"{stage}{large}.pt"}
    for small, large in (("_small", ""), ("", "_2"))
    for stage in ("text", "coarse", "fine")
}
"""Where Suno's own files are on 🤗's hub. Put into `CACHE_DIR`, they are found; `bark models download` gets others."""


class InferenceContext:
    """Chooses whether cuDNN tries its ways to convolve inside a `with` block; afterwards all is as it was.

    Args:
        benchmark: True to try; it pays where inputs are of the same length.
    """

    def __init__(self, benchmark: bool = False) -> None:
        self._chosen = benchmark
        self._before = False

    def __enter__(self) -> None:
        import torch

        self._before = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = self._chosen

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import torch

        torch.backends.cudnn.benchmark = self._before


def autocast() -> AbstractContextManager[Any]:
    """Computes in bfloat16 on a GPU that can, and changes nothing elsewhere.

    It is for what scripts compute themselves: our models are loaded in the precision that suits the device.
    """
    import torch

    if torch.cuda.is_available() and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
