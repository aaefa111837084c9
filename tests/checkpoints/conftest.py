"""A tiny 🤗 Bark with random weights, and the same weights as Suno and Meta would have written them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

TRUNK = {"num_layers": 2, "num_heads": 2, "hidden_size": 16, "bias": False}
CODEC = {"model_type": "encodec", "num_filters": 4, "hidden_size": 8, "codebook_size": 1024}
NANOGPT = (
    (r"^input_embeds_layers?\.(\d+\.)?", lambda m: f"transformer.wte{'s.' + m[1] if m[1] else '.'}"),
    (r"^position_embeds_layer\.", "transformer.wpe."),
    (r"^layers\.", "transformer.h."),
    (r"^layernorm_final\.", "transformer.ln_f."),
    (r"\.layernorm_", ".ln_"),
    (r"\.att_proj\.", ".c_attn."),
    (r"\.attn\.out_proj\.", ".attn.c_proj."),
    (r"\.in_proj\.", ".c_fc."),
    (r"\.mlp\.out_proj\.", ".mlp.c_proj."),
)
META = (
    (r"^encoder\.layers\.", "encoder.model."),
    (r"^decoder\.layers\.", "decoder.model."),
    (r"^(decoder\.model\.(?:3|6|9|12))\.conv\.", r"\1.convtr.convtr."),
    (r"\.conv\.(?=bias|parametrizations)", ".conv.conv."),
    (r"parametrizations\.weight\.original0", "weight_g"),
    (r"parametrizations\.weight\.original1", "weight_v"),
    (r"^quantizer\.layers\.(\d+)\.codebook\.", r"quantizer.vq.layers.\1._codebook."),
)


@pytest.fixture(scope="session")
def hf_bark() -> Any:
    """A 🤗 `BarkModel`, in Suno's vocabularies but of two narrow layers."""
    pytest.importorskip("transformers")
    import transformers.utils

    # 🤗 imports torchaudio wherever it is installed, also a build that doesn't load beside this torch
    transformers.utils.is_torchaudio_available = lambda: False
    from transformers.models.bark.configuration_bark import BarkConfig
    from transformers.models.bark.modeling_bark import BarkModel

    config = BarkConfig(
        semantic_config={**TRUNK, "input_vocab_size": 129_600, "output_vocab_size": 10_048},
        coarse_acoustics_config={**TRUNK, "input_vocab_size": 12_096, "output_vocab_size": 12_096},
        fine_acoustics_config={**TRUNK, "input_vocab_size": 1056, "output_vocab_size": 1056},
        codec_config=CODEC,
    )
    torch.manual_seed(0)
    model = BarkModel(config).eval().requires_grad_(False)
    for name, value in model.state_dict().items():
        if "layernorm" not in name and value.is_floating_point() and "codec" not in name:
            value.normal_(std=0.3)
        elif name.endswith("codebook.embed"):
            value.normal_()
    return model


@pytest.fixture(scope="session")
def nanogpt(hf_bark: Any) -> Callable[[str], dict[str, Tensor]]:
    """The weights of one of its models, by nanoGPT's names; tied ones are one tensor under two names."""

    def weights(part: str) -> dict[str, Tensor]:
        model = getattr(hf_bark, part)
        return {renamed(name, NANOGPT): value for name, value in model.state_dict().items()}

    return weights


@pytest.fixture(scope="session")
def suno_file(nanogpt: Callable[[str], dict[str, Tensor]]) -> Callable[..., dict[str, Any]]:
    """What one of Suno's `.pt` files holds."""

    def content(part: str, **args: Any) -> dict[str, Any]:
        vocabularies = {
            "semantic": {"input_vocab_size": 129_600, "output_vocab_size": 10_048},
            "coarse_acoustics": {"vocab_size": 12_096},  # as in an older file
            "fine_acoustics": {
                "input_vocab_size": 1056,
                "output_vocab_size": 1056,
                "n_codes_total": 8,
                "n_codes_given": 1,
            },
        }
        trunk = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 1024, "bias": False, "dropout": 0.0}
        weights = nanogpt(part)
        masks = {f"transformer.h.{i}.attn.bias": torch.ones(1, 1, 8, 8).tril() for i in range(2)}
        return {
            "model": {f"_orig_mod.{name}": value for name, value in {**weights, **masks}.items()},
            "optimizer": {"state": {0: {"step": torch.tensor(5.0), "exp_avg": torch.ones(1000)}}, "param_groups": []},
            "model_args": {**trunk, **vocabularies[part], **args},
            "iter_num": 1000,
            "best_val_loss": np.float64(2.5),
            "config": {"out_dir": "out", "eval_only": False, "device": None},
        }

    return content


@pytest.fixture(scope="session")
def suno_folder(tmp_path_factory: pytest.TempPathFactory, suno_file: Callable[..., dict[str, Any]]) -> Path:
    """The large models' files with the tiny model's weights; not to be written to."""
    folder = tmp_path_factory.mktemp("suno")
    for stem, part in (("text", "semantic"), ("coarse", "coarse_acoustics"), ("fine", "fine_acoustics")):
        torch.save(suno_file(part), folder / f"{stem}_2.pt")
    return folder


@pytest.fixture(scope="session")
def hf_codec(hf_bark: Any) -> Any:
    """A 🤗 `EncodecModel` of the published shape: Meta's file can be of no other."""
    from transformers.models.encodec.configuration_encodec import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecModel

    model = EncodecModel(EncodecConfig()).eval().requires_grad_(False)
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_(std=0.1)
    return model


@pytest.fixture(scope="session")
def meta_file(tmp_path_factory: pytest.TempPathFactory, hf_codec: Any) -> Path:
    """The same as Meta's file has it; not to be written to."""
    path = tmp_path_factory.mktemp("meta") / "encodec_24khz-d7cc33bc.th"
    torch.save({renamed(name, META): value for name, value in hf_codec.state_dict().items()}, path)
    return path


@pytest.fixture(scope="session")
def hf_folder(tmp_path_factory: pytest.TempPathFactory, hf_bark: Any) -> Path:
    """The same model as 🤗 saves it; not to be written to."""
    from transformers.models.bark.generation_configuration_bark import BarkGenerationConfig

    folder = tmp_path_factory.mktemp("hf") / "bark-tiny"
    hf_bark.save_pretrained(folder)
    settings = BarkGenerationConfig().to_dict()  # transformers can't save one of its own
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder


def fill_vocabulary(path: Path) -> None:
    """Makes a `vocab.txt` as long as BERT's: its own pieces come first, or where there are none, a few."""
    pieces = path.read_text("utf-8").splitlines() if path.exists() else ["[PAD]", "[UNK]", "hello", "there", "a"]
    pieces += [f"[unused{i}]" for i in range(119_547 - len(pieces))]
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")


def renamed(name: str, rules: Any) -> str:
    """By regular expressions, one after another."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
