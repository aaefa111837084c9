"""EnCodec's weights as Meta's `.th` file and 🤗 keep them, under our names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bark.checkpoints.pickles import plain_tensors, read_pickle
from bark.checkpoints.shards import read_shards
from bark.checkpoints.tables import read_json
from bark.codec.encodec import EnCodecConfig
from bark.errors import CheckpointError
from bark.models.config import from_mapping

META_FILE = "encodec_24khz-d7cc33bc.th"

NAMES = (  # both forms, and both of torch's ways to write weight norm
    (r"^(encoder|decoder)\.(?:model|layers)\.", r"\1."),
    (r"\.conv(?:tr)?(?:\.conv(?:tr)?)?\.", "."),
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
    (r"^quantizer\.(?:vq\.)?layers\.(\d+)\._?codebook\.", r"quantizer.\1."),
)
FOR_TRAINING = re.compile(r"quantizer\.\d+\.(inited|cluster_size|embed_avg)")
SETTINGS = {  # 🤗's names of ours
    "sample_rate": "sampling_rate",
    "codebook_size": "codebook_size",
    "dim": "hidden_size",
    "n_filters": "num_filters",
    "ratios": "upsampling_ratios",
    "n_residual": "num_residual_layers",
    "kernel": "kernel_size",
    "last_kernel": "last_kernel_size",
    "residual_kernel": "residual_kernel_size",
    "dilation_base": "dilation_growth_rate",
    "compress": "compress",
    "n_lstm": "num_lstm_layers",
}
FIXED = {  # what our EnCodec has no settings for
    "audio_channels": 1,
    "normalize": False,
    "chunk_length_s": None,
    "norm_type": "weight_norm",
    "use_causal_conv": True,
    "pad_mode": "reflect",
    "trim_right_ratio": 1.0,
    "use_conv_shortcut": True,
}


def read_encodec(path: Path, n_codebooks: int) -> tuple[EnCodecConfig, dict[str, Tensor]]:
    """Shape and weights of EnCodec at 24 kHz.

    Args:
        path: Meta's file, or the folder of a 🤗 `EncodecModel`.
        n_codebooks: of those there are, the first to keep.

    Raises:
        CheckpointError: something is missing, broken, or of another codec.
    """
    if path.is_dir():
        config = encodec_config(read_json(path / "config.json"), n_codebooks, f"{path / 'config.json'}")
        return config, encodec_tensors(read_shards(path), n_codebooks, str(path))
    tensors = plain_tensors(read_pickle(path), str(path))
    return EnCodecConfig(n_codebooks=n_codebooks), encodec_tensors(tensors, n_codebooks, str(path))


def encodec_config(values: Mapping[str, Any], n_codebooks: int, where: str) -> EnCodecConfig:
    """From the settings of a 🤗 `EncodecModel`; what they leave out is as in the model at 24 kHz.

    Raises:
        CheckpointError: they are of another codec.
    """
    for name, fixed in FIXED.items():
        if values.get(name, fixed) != fixed:
            raise CheckpointError(
                f"{where}: {name} is {values[name]!r}, not {fixed!r}: only EnCodec at 24 kHz can be read"
            )
    ours = {name: values[theirs] for name, theirs in SETTINGS.items() if theirs in values}
    return from_mapping(EnCodecConfig, {**ours, "n_codebooks": n_codebooks}, where)


def encodec_tensors(tensors: Mapping[str, Tensor], n_codebooks: int, source: str) -> dict[str, Tensor]:
    """Weights by our names: weight norm folded in, codebooks in one tensor.

    Args:
        tensors: by Meta's or 🤗's names.
        n_codebooks: the first to keep.
        source: said in errors.

    Raises:
        CheckpointError: there are fewer codebooks, or they are not of one shape; or half of a weight is missing.
    """
    named = {_our_name(name): tensor for name, tensor in tensors.items()}
    named = {name: tensor for name, tensor in named.items() if not FOR_TRAINING.fullmatch(name)}
    books = {name: named.pop(name) for name in list(named) if re.fullmatch(r"quantizer\.\d+\.embed", name)}
    entries = [books.get(f"quantizer.{k}.embed") for k in range(n_codebooks)]
    found = [book for book in entries if book is not None]
    if len(found) < n_codebooks or len({book.shape for book in found}) != 1:
        raise CheckpointError(
            f"{source} has {len(books)} codebooks of EnCodec's, and {n_codebooks} of one shape are needed"
        )
    return {**_folded(named, source), "quantizer.entries": torch.stack(found)}


def _our_name(name: str) -> str:
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _folded(tensors: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Weights for their weight norms, g · v / |v|, with |v| over all dimensions but the first."""
    folded = {}
    for name, tensor in tensors.items():
        if name.endswith(".weight_v"):
            stem = name.removesuffix("_v")
            scale = tensors.get(f"{stem}_g")
            if scale is None or scale.shape != (*tensor.shape[:1], *[1] * (tensor.dim() - 1)):
                raise CheckpointError(f"{source}: {name} has no weight_g that fits it")
            norm = tensor.float().flatten(1).norm(dim=1).view_as(scale)
            folded[stem] = tensor.float() * (scale.float() / norm)
        elif not name.endswith(".weight_g"):
            folded[name] = tensor
    return folded
