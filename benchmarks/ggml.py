"""Random weights in the one file that bark.cpp reads: vocabulary, three GPTs, codec; large weights in float16."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from torch import Tensor

from bark.models.config import FineGPTConfig, GPTConfig, ModelConfig

MAGIC = 0x67676D6C
FLOAT32, FLOAT16 = 0, 1  # ggml's numbers of them
CODEC = (1, 128, 32, 7, 3, 1024, 24, 24_000, FLOAT16)  # channels, width, filters, kernels, entries, kbit/s, Hz, type
NAMES = (  # ours: theirs
    (r"^(wte|lm_head)\.weight$", r"model/\1/0"),
    (r"^wtes\.(\d+)\.weight$", r"model/wte/\1"),
    (r"^lm_heads\.(\d+)\.weight$", r"model/lm_head/\1"),
    (r"^wpe\.weight$", "model/wpe"),
    (r"^ln_f\.(\w)\w+$", r"model/ln_f/\1"),
    (r"^h\.(\d+)\.(ln_\d)\.(\w)\w+$", r"model/h\1/\2/\3"),
    (r"^h\.(\d+)\.(attn|mlp)\.(\w+)\.(\w)\w+$", r"model/h\1/\2/\3/\4"),
)


def write_ggml(
    config: ModelConfig, stages: Iterator[Mapping[str, Tensor]], codec: Iterator[tuple[str, Tensor]], path: Path
) -> None:
    """Writes the file.

    Args:
        config: shapes.
        stages: weights of the semantic, the coarse and the fine model by our names, one model at a time.
        codec: EnCodec's by Meta's names, without weight norms.
        path: of the file.
    """
    with path.open("wb") as file:
        _numbers(file, MAGIC)
        _vocabulary(file, config.tokens.text_pad - config.tokens.text_offset)
        for shape, tensors in zip((config.semantic, config.coarse, config.fine), stages, strict=True):
            _numbers(file, *_shape(shape), len(tensors))
            for name, tensor in tensors.items():
                _tensor(file, their_name(name), tensor, half=tensor.dim() == 2 and name != "wpe.weight")
        _numbers(file, MAGIC, *CODEC)
        for name, tensor in codec:
            _tensor(file, name, tensor, half="weight" in name)


def their_name(name: str) -> str:
    """Theirs of a weight of ours; LayerNorms have `g` and `b`."""
    for pattern, replacement in NAMES:
        name, found = re.subn(pattern, replacement, name)
        if found:
            return re.sub(r"(ln_\w)/w$", r"\1/g", name)
    raise ValueError(f"{name!r} is no weight of a GPT")


def _shape(shape: GPTConfig | FineGPTConfig) -> tuple[int, ...]:
    trunk = (shape.n_layer, shape.n_head, shape.n_embd, shape.block_size)
    if isinstance(shape, GPTConfig):
        return (*trunk, int(shape.bias), shape.input_vocab, shape.output_vocab, 1, 1, FLOAT16)
    heads = shape.n_codebooks - shape.n_given
    return (*trunk, 1, shape.vocab, shape.vocab, heads, shape.n_codebooks, FLOAT16)  # 1: its LayerNorms have biases


def _vocabulary(file: BinaryIO, size: int) -> None:
    _numbers(file, size)
    for number in range(size):
        word = f"w{number}".encode()
        _numbers(file, len(word))
        file.write(word)


def _tensor(file: BinaryIO, name: str, tensor: Tensor, half: bool) -> None:
    array = tensor.detach().numpy()
    if array.ndim < 3:
        array = array.squeeze()  # as theirs are written; kernels of convolutions keep their three dimensions
    sizes = array.shape[::-1]
    _numbers(file, len(sizes), len(name), FLOAT16 if half else FLOAT32, *sizes)
    file.write(name.encode())
    file.write(array.astype(np.float16 if half else np.float32).tobytes())


def _numbers(file: BinaryIO, *numbers: int) -> None:
    file.write(struct.pack(f"{len(numbers)}i", *numbers))
