"""🤗's `BarkModel` with the weights of the cases, and what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers.utils
from torch import Tensor

# 🤗 imports torchaudio wherever it is installed, also a build that doesn't load beside this torch; Bark needs none
transformers.utils.is_torchaudio_available = lambda: False
from transformers import BertTokenizer  # noqa: E402
from transformers.models.bark.configuration_bark import BarkConfig  # noqa: E402
from transformers.models.bark.generation_configuration_bark import (  # noqa: E402
    BarkCoarseGenerationConfig,
    BarkFineGenerationConfig,
    BarkGenerationConfig,
    BarkSemanticGenerationConfig,
)
from transformers.models.bark.modeling_bark import BarkModel  # noqa: E402
from transformers.models.bark.processing_bark import BarkProcessor  # noqa: E402

from tests.parity.cases import CODEC_FILE, TRUNK, Arrays, Case, voice  # noqa: E402

PARTS = {"text": "semantic", "coarse": "coarse_acoustics", "fine": "fine_acoustics"}
NANOGPT = (
    (r"^_orig_mod\.(transformer\.)?", ""),
    (r"^wte\.", "input_embeds_layer."),
    (r"^wtes\.", "input_embeds_layers."),
    (r"^wpe\.", "position_embeds_layer."),
    (r"^ln_f\.", "layernorm_final."),
    (r"^h\.", "layers."),
    (r"\.ln_(\d)\.", r".layernorm_\1."),
    (r"\.c_attn\.", ".att_proj."),
    (r"\.attn\.c_proj\.", ".attn.out_proj."),
    (r"\.c_fc\.", ".in_proj."),
    (r"\.mlp\.c_proj\.", ".mlp.out_proj."),
)
META = (
    (r"^(encoder|decoder)\.model\.", r"\1.layers."),
    (r"\.(conv\.conv|convtr\.convtr)\.", ".conv."),
    (r"\.weight_g$", ".parametrizations.weight.original0"),
    (r"\.weight_v$", ".parametrizations.weight.original1"),
    (r"^quantizer\.vq\.layers\.(\d+)\._codebook\.", r"quantizer.layers.\1.codebook."),
)


def make_twin(folder: Path) -> tuple[Any, Any]:
    """The model and its processor."""
    trunk = {"num_layers": TRUNK["n_layer"], "num_heads": TRUNK["n_head"], "hidden_size": TRUNK["n_embd"]}
    trunk |= {"bias": False, "dropout": 0.0}
    config = BarkConfig(
        semantic_config={**trunk, "input_vocab_size": 129_600, "output_vocab_size": 10_048},
        coarse_acoustics_config={**trunk, "input_vocab_size": 12_096, "output_vocab_size": 12_096},
        fine_acoustics_config={**trunk, "input_vocab_size": 1056, "output_vocab_size": 1056},
        codec_config={"model_type": "encodec"},
    )
    model = BarkModel(config).eval().requires_grad_(False)
    for stem, part in PARTS.items():
        content = torch.load(folder / f"{stem}_2.pt", weights_only=False)
        give(getattr(model, part), content["model"], NANOGPT)
    give(model.codec_model, torch.load(folder / CODEC_FILE), META)
    # it forbids the second codebook what comes before its rows, but not what comes after; the original forbids both
    model.coarse_acoustics.lm_head.weight[12_048:] = 0
    model.generation_config = BarkGenerationConfig()
    for part in ("semantic_config", "coarse_acoustics_config", "fine_acoustics_config"):
        # its `generate` takes them apart as if they were dicts, which they are only where they come from a file
        setattr(model.generation_config, part, getattr(model.generation_config, part).to_dict())
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=False)
    return model, BarkProcessor(tokenizer)


def give(module: Any, weights: dict[str, Tensor], names: tuple[tuple[str, str], ...]) -> None:
    """Puts weights into a module of 🤗's."""
    renamed = {}
    for name, tensor in weights.items():
        for pattern, replacement in names:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    missing, unexpected = module.load_state_dict(renamed, strict=False)
    assert not unexpected
    assert all(name.endswith("attn.bias") for name in missing), missing  # the mask


def tensors(arrays: Arrays | None) -> dict[str, Tensor] | None:
    """A voice as 🤗 takes it."""
    return arrays and {key: torch.from_numpy(array.astype(np.int64)) for key, array in arrays.items()}


@torch.inference_mode()
def speak(model: Any, processor: Any, case: Case) -> Arrays:
    """Tokens of every stage, and the audio, each got as `BarkModel.generate` gets it."""
    semantic_config, coarse_config = BarkSemanticGenerationConfig(), BarkCoarseGenerationConfig()
    before = tensors(voice()) if case.voice else None
    rows = []
    for text, seconds in case.texts:
        steps = 768 if seconds is None else int(seconds * 49.9) + 1
        inputs = processor(text, return_tensors="pt")
        rows.append(
            model.semantic.generate(
                inputs["input_ids"],
                semantic_generation_config=semantic_config,
                history_prompt=before,
                attention_mask=inputs["attention_mask"],
                max_new_tokens=steps,
                do_sample=False,
            )
        )
    semantic = torch.cat(rows, dim=1)
    coarse = model.coarse_acoustics.generate(
        semantic, semantic_config, coarse_config, history_prompt=before, do_sample=False
    )
    fine = model.fine_acoustics.generate(
        coarse, semantic_config, coarse_config, BarkFineGenerationConfig(), history_prompt=before
    )
    audio = model.codec_decode(fine)[0]  # of codes that are the likeliest: its default temperature, 1, means that
    pairs = (coarse.reshape(-1, 2).T - 10_000) % 1024
    return {"semantic": semantic[0].numpy(), "coarse": pairs.numpy(), "fine": fine[0].numpy(), "audio": audio.numpy()}
