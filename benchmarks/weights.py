"""Random weights of a shape, as this project, Suno, 🤗 and bark.cpp keep them: the same numbers in every form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bark.checkpoints.native import save_checkpoint
from bark.checkpoints.registry import META_FILE
from bark.checkpoints.tensors import save_tensors
from bark.codec import build_codec
from bark.codec.causal import CausalConv, CausalUpsample
from bark.models.config import FineGPTConfig, GPTConfig, ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from benchmarks.ggml import write_ggml

FORMS = ("native", "suno", "huggingface", "ggml")
STAGES = ("semantic", "coarse", "fine")
META_CODEBOOKS = 32  # Meta's file has all; 8 of them are read
HUGGINGFACE = {  # ours: theirs
    r"^wte\.": "input_embeds_layer.",
    r"^wtes\.": "input_embeds_layers.",
    r"^wpe\.": "position_embeds_layer.",
    r"^h\.": "layers.",
    r"\.ln_(\d)\.": r".layernorm_\1.",
    r"^ln_f\.": "layernorm_final.",
    r"\.attn\.c_attn\.": ".attn.att_proj.",
    r"\.attn\.c_proj\.": ".attn.out_proj.",
    r"\.mlp\.c_fc\.": ".mlp.in_proj.",
    r"\.mlp\.c_proj\.": ".mlp.out_proj.",
}
HUGGINGFACE_PARTS = {"semantic": "semantic", "coarse": "coarse_acoustics", "fine": "fine_acoustics"}


def write_weights(config: ModelConfig, folder: Path, form: str, *, optimizer: bool = False, gain: float = 1.0) -> Path:
    """Makes the folder of a model; the numbers are the same whenever and in whatever form.

    Args:
        config: its shape, in Suno's layout.
        folder: made anew.
        form: of `FORMS`.
        optimizer: in Suno's form, also the state that their training left in the files, twice as large as the weights.
        gain: of this project's form, what the weights are multiplied with; those of a fresh model say much the same
            of every token, so that rounding decides between them.
    """
    folder.mkdir(parents=True)
    if form == "native":
        for part in (*STAGES, "codec"):  # one at a time, so that no more than one is in memory
            save_checkpoint(folder, config, {part: _louder(random_part(config, part), gain)})
    elif form == "suno":
        _write_suno(config, folder, optimizer)
    elif form == "ggml":
        stages = (random_part(config, part).state_dict() for part in STAGES)
        write_ggml(config, stages, _ggml_codec(random_part(config, "codec")), folder / "ggml_weights.bin")
    else:
        _write_huggingface(config, folder)
    return folder


def random_part(config: ModelConfig, part: str) -> nn.Module:
    """One of the four models of a config, with weights that depend on nothing but its name and its shape."""
    torch.manual_seed((*STAGES, "codec").index(part))
    if part == "codec":
        return build_codec(config.codec)
    shape = getattr(config, part)
    model: GPT | FineGPT = FineGPT(shape) if isinstance(shape, FineGPTConfig) else GPT(shape)
    model.reset_parameters()
    return model


def _louder(module: nn.Module, gain: float) -> nn.Module:
    if isinstance(module, (GPT, FineGPT)):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(gain if parameter.dim() > 1 else 1.0)
    return module


def _write_suno(config: ModelConfig, folder: Path, optimizer: bool) -> None:
    suffix = "_2" if config.semantic.n_embd > 768 else ""
    for part, stem in zip(STAGES, ("text", "coarse", "fine"), strict=True):
        weights = {f"transformer.{name}": value for name, value in random_part(config, part).state_dict().items()}
        content = {
            "model_args": _model_args(getattr(config, part)),
            "model": {f"_orig_mod.{_suno_name(name)}": value for name, value in weights.items()},
            "best_val_loss": torch.tensor(2.5),
        }
        if optimizer:
            content["optimizer"] = {
                moment: {name: torch.zeros(value.shape) for name, value in weights.items()}
                for moment in ("exp_avg", "exp_avg_sq")
            }
        torch.save(content, folder / f"{stem}{suffix}.pt")
    torch.save(meta_tensors(random_part(config, "codec")), folder / META_FILE)


def _suno_name(name: str) -> str:
    return re.sub(r"^transformer\.lm_head", "lm_head", name)  # the heads are beside the trunk


def _model_args(shape: GPTConfig | FineGPTConfig) -> dict[str, Any]:
    trunk = {name: getattr(shape, name) for name in ("n_layer", "n_head", "n_embd", "block_size", "bias")}
    if isinstance(shape, GPTConfig):
        own = {"input_vocab_size": shape.input_vocab, "output_vocab_size": shape.output_vocab}
    else:
        own = {"input_vocab_size": shape.vocab, "output_vocab_size": shape.vocab}
        own |= {"n_codes_total": shape.n_codebooks, "n_codes_given": shape.n_given}
    return {**trunk, **own, "dropout": 0.0}


def meta_tensors(codec: nn.Module) -> dict[str, Tensor]:
    """EnCodec's weights as Meta's file has them: with weight norms, and 32 codebooks."""
    tensors: dict[str, Tensor] = {}
    for name, value in _codec_tensors(codec, ".model", ".conv.conv", ".convtr.convtr"):
        tensors |= _normed(name, value, ("weight_g", "weight_v"))
    return tensors | _codebooks(codec, "quantizer.vq.layers.{}._codebook")


def _write_huggingface(config: ModelConfig, folder: Path) -> None:
    from transformers.models.bark.configuration_bark import BarkConfig
    from transformers.models.bark.generation_configuration_bark import BarkGenerationConfig

    configs = {f"{theirs}_config": _their_shape(getattr(config, ours)) for ours, theirs in HUGGINGFACE_PARTS.items()}
    BarkConfig(**configs, codec_config={"model_type": "encodec"}).save_pretrained(folder)
    generation = json.dumps(BarkGenerationConfig().to_dict())  # transformers can't save one of its own
    (folder / "generation_config.json").write_text(generation, encoding="utf-8")
    tensors: dict[str, Tensor] = {}
    for ours, theirs in HUGGINGFACE_PARTS.items():
        for name, value in random_part(config, ours).state_dict().items():
            for pattern, replacement in HUGGINGFACE.items():
                name = re.sub(pattern, replacement, name)
            tensors[f"{theirs}.{name}"] = value
    tensors |= {f"codec_model.{name}": value for name, value in huggingface_codec(random_part(config, "codec")).items()}
    save_tensors(tensors, folder / "model.safetensors", None)


def _their_shape(shape: GPTConfig | FineGPTConfig) -> dict[str, Any]:
    args = _model_args(shape)
    names = {"n_layer": "num_layers", "n_head": "num_heads", "n_embd": "hidden_size"}
    return {names.get(name, name): value for name, value in args.items()}


def huggingface_codec(codec: nn.Module) -> dict[str, Tensor]:
    """EnCodec's weights by 🤗's names."""
    tensors: dict[str, Tensor] = {}
    originals = ("parametrizations.weight.original0", "parametrizations.weight.original1")
    for name, value in _codec_tensors(codec, ".layers", ".conv", ".conv"):
        tensors |= _normed(name, value, originals)
    return tensors | _codebooks(codec, "quantizer.layers.{}.codebook")


def _ggml_codec(codec: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from _codec_tensors(codec, ".model", ".conv.conv", ".convtr.convtr")
    books = _codebooks(codec, "quantizer.vq.layers.{}._codebook")
    yield from ((name, tensor) for name, tensor in books.items() if name.endswith(".embed"))


def _codebooks(codec: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Its codebooks and those that it leaves out, with what their training left beside them."""
    own: Tensor = codec.state_dict()["quantizer.entries"]
    tensors: dict[str, Tensor] = {}
    for k, book in enumerate([*own, *torch.zeros(META_CODEBOOKS - len(own), *own.shape[1:])]):
        where = prefix.format(k)
        tensors |= {f"{where}.embed": book.clone(), f"{where}.embed_avg": book.clone()}
        tensors |= {f"{where}.inited": torch.ones(1), f"{where}.cluster_size": torch.ones(len(book))}
    return tensors


def _codec_tensors(codec: nn.Module, below: str, conv: str, upsample: str) -> Iterator[tuple[str, Tensor]]:
    """Weights of encoder and decoder; what is added to names below the halves, convolutions and upsamplings."""
    kinds = {CausalConv: conv, CausalUpsample: upsample, nn.LSTM: ""}
    for path, module in codec.named_modules():
        half, _, rest = path.partition(".")
        for name, value in module.named_parameters(recurse=False):
            yield f"{half}{below}.{rest}{kinds[type(module)]}.{name}", value.detach()


def _normed(name: str, value: Tensor, kinds: tuple[str, str]) -> dict[str, Tensor]:
    """A convolution's weight as length and direction, by the names that these have; anything else as it is."""
    stem, _, kind = name.rpartition(".")
    if kind != "weight":
        return {name: value}
    length = value.flatten(1).norm(dim=1).view(-1, *[1] * (value.dim() - 1))
    return {f"{stem}.{kinds[0]}": length, f"{stem}.{kinds[1]}": value}
