"""The folder of a 🤗 `BarkModel`, as in the repositories `suno/bark` and `suno/bark-small`.

config.json               shapes
generation_config.json    tokens and windows; Suno's where it isn't there
model.safetensors         or one of the other forms in `bark.checkpoints.shards`
tokenizer.json            or vocab.txt, or elsewhere; see `bark.checkpoints.text`
speaker_embeddings/       voices, and their table beside it; see `bark.checkpoints.voices`
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any, TypeVar

from torch import Tensor

from bark.checkpoints.base import Checkpoint, Part, tied
from bark.checkpoints.encodec import encodec_config, encodec_tensors
from bark.checkpoints.shards import read_shards, weights_file
from bark.checkpoints.tables import number, read_json
from bark.errors import CheckpointError
from bark.models.config import CoarseLayout, FineGPTConfig, FineLayout, GPTConfig, ModelConfig, SemanticLayout
from bark.tokens import SUNO, TokenSpace

T = TypeVar("T", TokenSpace, SemanticLayout, CoarseLayout, FineLayout)
Settings = Mapping[str, Any]

PREFIXES: dict[Part, str] = {
    "semantic": "semantic.",
    "coarse": "coarse_acoustics.",
    "fine": "fine_acoustics.",
    "codec": "codec_model.",
}
NAMES = (
    (r"^input_embeds_layer\.", "wte."),
    (r"^input_embeds_layers\.", "wtes."),
    (r"^position_embeds_layer\.", "wpe."),
    (r"^layernorm_final\.", "ln_f."),
    (r"^layers\.", "h."),
    (r"\.layernorm_([12])\.", r".ln_\1."),
    (r"\.attn\.att_proj\.", ".attn.c_attn."),
    (r"\.attn\.out_proj\.", ".attn.c_proj."),
    (r"\.mlp\.in_proj\.", ".mlp.c_fc."),
    (r"\.mlp\.out_proj\.", ".mlp.c_proj."),
)
TOKENS = {  # our name: the table of generation_config.json, and the name in it
    "sample_rate": ("", "sample_rate"),
    "codebook_size": ("", "codebook_size"),
    "semantic_rate": ("semantic_config", "semantic_rate_hz"),
    "semantic_vocab": ("semantic_config", "semantic_vocab_size"),
    "text_offset": ("semantic_config", "text_encoding_offset"),
    "text_pad": ("semantic_config", "text_pad_token"),
    "semantic_pad": ("semantic_config", "semantic_pad_token"),
    "semantic_infer": ("semantic_config", "semantic_infer_token"),
    "frame_rate": ("coarse_acoustics_config", "coarse_rate_hz"),
    "n_coarse": ("coarse_acoustics_config", "n_coarse_codebooks"),
    "coarse_semantic_pad": ("coarse_acoustics_config", "coarse_semantic_pad_token"),
    "coarse_infer": ("coarse_acoustics_config", "coarse_infer_token"),
    "n_codebooks": ("fine_acoustics_config", "n_fine_codebooks"),
}
SEMANTIC_LAYOUT = {
    "text_length": ("semantic_config", "max_input_semantic_length"),
    "history_length": ("semantic_config", "max_input_semantic_length"),
    "max_steps": ("semantic_config", "max_new_tokens"),
}
COARSE_LAYOUT = {
    "semantic_window": ("coarse_acoustics_config", "max_coarse_input_length"),
    "max_history": ("coarse_acoustics_config", "max_coarse_history"),
    "stride": ("coarse_acoustics_config", "sliding_window_len"),
}
FINE_LAYOUT = {
    "window": ("fine_acoustics_config", "max_fine_input_length"),
    "hop": ("fine_acoustics_config", "max_fine_history_length"),
    "max_history": ("fine_acoustics_config", "max_fine_history_length"),
}


class HuggingFaceCheckpoint(Checkpoint):
    """The folder of a 🤗 `BarkModel`.

    Args:
        folder: see the head of this file.

    Raises:
        CheckpointError: its `config.json` can't be read, or isn't Bark's.
    """

    _suno = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder)
        self._settings = read_json(self.folder / "config.json")
        kind = self._settings.get("model_type")
        if kind != "bark":
            raise CheckpointError(f"{self.folder / 'config.json'}: the model_type is {kind!r}, not 'bark'")

    @cached_property
    def config(self) -> ModelConfig:
        """See `Checkpoint.config`."""
        path = self.folder / "generation_config.json"
        generation = read_json(path) if path.exists() else {}
        where = str(self.folder / "config.json")
        tokens = _changed(SUNO, TOKENS, generation, str(path))
        codec = encodec_config(_table(self._settings, "codec_config", where), tokens.n_codebooks, where)
        return ModelConfig(
            name=self.folder.name,
            tokens=tokens,
            semantic=_causal_shape(self._settings, "semantic_config", where),
            coarse=_causal_shape(self._settings, "coarse_acoustics_config", where),
            fine=_fine_shape(self._settings, where),
            semantic_layout=_changed(SemanticLayout(), SEMANTIC_LAYOUT, generation, str(path)),
            coarse_layout=_changed(CoarseLayout(), COARSE_LAYOUT, generation, str(path)),
            fine_layout=_changed(FineLayout(), FINE_LAYOUT, generation, str(path)),
            codec={"kind": "encodec", **asdict(codec)},
        )

    def tensors(self, part: Part) -> dict[str, Tensor]:
        """See `Checkpoint.tensors`."""
        tensors, source = read_shards(self.folder, PREFIXES[part]), self.source(part)
        if part == "codec":
            return encodec_tensors(tensors, self.config.tokens.n_codebooks, source)
        tensors = {_our_name(name): tensor for name, tensor in tensors.items() if not name.endswith(".attn.bias")}
        return tied(tensors, source) if part == "fine" else tensors

    def source(self, part: Part) -> str:
        """The file or the index, and the part of it."""
        return f"{weights_file(self.folder)} ({PREFIXES[part]}*)"


def _our_name(name: str) -> str:
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _table(settings: Settings, name: str, where: str) -> Settings:
    table = settings.get(name, {})
    if not isinstance(table, dict):
        raise CheckpointError(f"{where}: {name} should be a table of settings, not {table!r}")
    return table


def _trunk(values: Settings, where: str) -> dict[str, Any]:
    """What both kinds of models have; what isn't said is as 🤗's classes have it."""
    return {
        "n_layer": number(values, "num_layers", 12, where),
        "n_head": number(values, "num_heads", 12, where),
        "n_embd": number(values, "hidden_size", 768, where),
        "block_size": number(values, "block_size", 1024, where),
        "bias": bool(values.get("bias", True)),
    }


def _causal_shape(settings: Settings, name: str, where: str) -> GPTConfig:
    values, where = _table(settings, name, where), f"{where}: {name}"
    return GPTConfig(
        **_trunk(values, where),
        input_vocab=number(values, "input_vocab_size", 10_048, where),
        output_vocab=number(values, "output_vocab_size", 10_048, where),
    )


def _fine_shape(settings: Settings, where: str) -> FineGPTConfig:
    name = "fine_acoustics_config"
    values, where = _table(settings, name, where), f"{where}: {name}"
    vocab = number(values, "input_vocab_size", 10_048, where)
    if number(values, "output_vocab_size", 10_048, where) != vocab:
        raise CheckpointError(f"{where}: input_vocab_size and output_vocab_size differ, but are one in a fine model")
    return FineGPTConfig(
        **_trunk(values, where),
        vocab=vocab,
        n_codebooks=number(values, "n_codes_total", 8, where),
        n_given=number(values, "n_codes_given", 1, where),
    )


def _changed(ours: T, names: Mapping[str, tuple[str, str]], settings: Settings, where: str) -> T:
    """Our settings, with what theirs say under their names.

    Raises:
        CheckpointError: a value is no number, or a whole one is needed.
    """
    changes = {}
    for own, (table, name) in names.items():
        values = _table(settings, table, where) if table else settings
        value, default = values.get(name), getattr(ours, own)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | type(default)) or value <= 0:
            raise CheckpointError(f"{where}: {name} is {value!r}; Suno's is {default}")
        changes[own] = type(default)(value)
    return replace(ours, **changes)
