"""What both sides of a comparison are given: tiny random models in Suno's and Meta's files, texts, and a voice.

The original runs in an environment of its own, in which `bark` is another package, so nothing here imports it. All
numbers come from NumPy's `RandomState`, whose streams never change: what one environment writes, another can write
again. Windows, vocabularies and the codec are Suno's own, since the original has them in its code; only the depth and
the width of the three models are small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

TRUNK = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 1024, "bias": False, "dropout": 0.0}
CODEC_FILE = "encodec_24khz-d7cc33bc.th"
N_PIECES = 119_547  # of BERT's vocabulary
NEARLY_ZERO = 1e-9  # the temperature: the original divides by it, so it can't be 0
TOLERANCE = 1e-4  # of the audio, which is within ±1
AUDIO_STEP = 61  # of the samples that are recorded; it has no factor in common with a frame's 320

Arrays = dict[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Case:
    """One utterance, or two that are joined before they get a sound.

    Attributes:
        texts: each a pair of the text and the seconds it may last; None for the model's limit of 768 tokens.
        voice: whether a voice is gone on with.
        cached: whether the original keeps keys and values; without, it reads everything again for every token.
    """

    texts: tuple[tuple[str, float | None], ...]
    voice: bool
    cached: bool


def words(*numbers: int) -> str:
    """A text of pieces of the vocabulary."""
    return " ".join(f"w{number}" for number in numbers)


SHORT = ((f"  {words(*range(400, 4000, 257))}\n [laughs], {words(119_546)}. ", 1.2),)
LONG = ((words(*range(1000, 119_000, 397)), None), (words(7, 70, 700), 5.0))  # more words than are read; 1018 tokens
CASES = {
    "short": Case(SHORT, voice=False, cached=False),
    "short with a voice": Case(SHORT, voice=True, cached=False),
    "long": Case(LONG, voice=False, cached=True),
    "long with a voice": Case(LONG, voice=True, cached=True),
}


def voice() -> Arrays:
    """Longer than what any stage reads of it, and of an odd number of semantic tokens."""
    random = np.random.RandomState(11)
    fine = random.randint(1024, size=(8, 602)).astype(np.uint16)
    semantic = random.randint(10_000, size=401).astype(np.int32)
    return {"semantic_prompt": semantic, "coarse_prompt": fine[:2].astype(np.int64), "fine_prompt": fine}


def write_models(folder: Path) -> None:
    """Suno's three files, Meta's of the codec, and BERT's vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabularies: dict[str, dict[str, int]] = {
        "text": {"input_vocab_size": 129_600, "output_vocab_size": 10_048},
        "coarse": {"vocab_size": 12_096},  # as older files say it
        "fine": {"input_vocab_size": 1056, "output_vocab_size": 1056, "n_codes_total": 8, "n_codes_given": 1},
    }
    for seed, (stem, sizes) in enumerate(vocabularies.items()):
        random = np.random.RandomState(seed)
        weights = fine_weights(random) if stem == "fine" else causal_weights(random, *sizes.values())
        content = {
            "model": {f"_orig_mod.{name}": tensor for name, tensor in weights.items()},
            "model_args": {**TRUNK, **sizes},
            "best_val_loss": np.float64(2.5),
        }
        torch.save(content, folder / f"{stem}_2.pt")
    torch.save(codec_weights(np.random.RandomState(9)), folder / CODEC_FILE)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[", "]", ".", ",", "laughs"]
    pieces += [f"w{number}" for number in range(len(pieces), N_PIECES)]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")


def causal_weights(random: np.random.RandomState, inputs: int, outputs: int | None = None) -> dict[str, Tensor]:
    """Of the semantic or the coarse model, by nanoGPT's names."""
    width = TRUNK["n_embd"]
    return {
        "transformer.wte.weight": normal(random, inputs, width),
        **trunk_weights(random),
        "lm_head.weight": normal(random, outputs or inputs, width),
    }


def fine_weights(random: np.random.RandomState) -> dict[str, Tensor]:
    """Of the fine model, by nanoGPT's names; a head and the embedding after it are one tensor."""
    tables = [normal(random, 1056, TRUNK["n_embd"]) for _ in range(8)]
    weights = {f"transformer.wtes.{i}.weight": table for i, table in enumerate(tables)}
    weights |= trunk_weights(random)
    for name in [name for name in weights if ".ln_" in name]:
        weights[name.replace("weight", "bias")] = 0.2 * normal(random, TRUNK["n_embd"])
    return weights | {f"lm_heads.{i}.weight": table for i, table in enumerate(tables[1:])}


def trunk_weights(random: np.random.RandomState) -> dict[str, Tensor]:
    """Positions, blocks and the last norm."""
    width = int(TRUNK["n_embd"])
    weights = {"transformer.wpe.weight": normal(random, int(TRUNK["block_size"]), width)}
    for i in range(int(TRUNK["n_layer"])):
        block = f"transformer.h.{i}"
        weights |= {
            f"{block}.ln_1.weight": norm(random, width),
            f"{block}.attn.c_attn.weight": normal(random, 3 * width, width),
            f"{block}.attn.c_proj.weight": normal(random, width, width),
            f"{block}.ln_2.weight": norm(random, width),
            f"{block}.mlp.c_fc.weight": normal(random, 4 * width, width),
            f"{block}.mlp.c_proj.weight": normal(random, width, 4 * width),
        }
    return weights | {"transformer.ln_f.weight": norm(random, width)}


def normal(random: np.random.RandomState, *shape: int) -> Tensor:
    """So large that every position says something else, and no two tokens are nearly as likely."""
    return torch.from_numpy(random.standard_normal(shape).astype(np.float32) * np.float32(0.6))


def norm(random: np.random.RandomState, width: int) -> Tensor:
    """Of a LayerNorm."""
    return 1 + 0.3 * normal(random, width)


def codec_weights(random: np.random.RandomState) -> dict[str, Tensor]:
    """Of EnCodec at 24 kHz in its published shape, by Meta's names."""
    weights: dict[str, Tensor] = {}
    for place, channels, ratio in ((1, 32, 2), (4, 64, 4), (7, 128, 5), (10, 256, 8)):
        weights |= residual(random, f"encoder.model.{place}", channels)
        weights |= convolution(random, f"encoder.model.{place + 2}.conv.conv", 2 * channels, channels, 2 * ratio)
    for place, channels, ratio in ((3, 512, 8), (6, 256, 5), (9, 128, 4), (12, 64, 2)):
        name = f"decoder.model.{place}.convtr.convtr"
        weights |= convolution(random, name, channels, channels // 2, 2 * ratio, upsamples=True)
        weights |= residual(random, f"decoder.model.{place + 1}", channels // 2)
    for half, first, last in (("encoder", (32, 1), (128, 512)), ("decoder", (512, 128), (1, 32))):
        lstm, end = (13, 15) if half == "encoder" else (1, 15)
        weights |= convolution(random, f"{half}.model.0.conv.conv", *first, 7)
        weights |= long_memory(random, f"{half}.model.{lstm}.lstm", 512)
        weights |= convolution(random, f"{half}.model.{end}.conv.conv", *last, 7)
    weights["decoder.model.15.conv.conv.weight_g"] *= 0.9  # so that no sample is beyond ±1
    for k in range(32):
        book = f"quantizer.vq.layers.{k}._codebook"
        entries = normal(random, 1024, 128)
        weights |= {f"{book}.embed": entries, f"{book}.embed_avg": entries, f"{book}.inited": torch.ones(1)}
        weights |= {f"{book}.cluster_size": torch.zeros(1024)}
    return weights


def residual(random: np.random.RandomState, name: str, channels: int) -> dict[str, Tensor]:
    """Of a block of two convolutions with one beside them."""
    return {
        **convolution(random, f"{name}.block.1.conv.conv", channels // 2, channels, 3),
        **convolution(random, f"{name}.block.3.conv.conv", channels, channels // 2, 1),
        **convolution(random, f"{name}.shortcut.conv.conv", channels, channels, 1),
    }


def convolution(
    random: np.random.RandomState, name: str, outputs: int, inputs: int, kernel: int, *, upsamples: bool = False
) -> dict[str, Tensor]:
    """A direction and a length, as weight norm has it, and a bias. Upsampling, `outputs` are the channels read."""
    direction = normal(random, outputs, inputs, kernel)
    length = (1 + 0.3 * random.standard_normal(outputs)).astype(np.float32)
    if upsamples:
        length *= np.float32(math.sqrt(inputs / outputs))
    channels = inputs if upsamples else outputs
    return {
        f"{name}.weight_g": torch.from_numpy(length).view(-1, 1, 1),
        f"{name}.weight_v": direction,
        f"{name}.bias": 0.1 * normal(random, channels),
    }


def long_memory(random: np.random.RandomState, name: str, width: int) -> dict[str, Tensor]:
    """Of an LSTM of two layers."""
    weights: dict[str, Tensor] = {}
    for layer in range(2):
        for kind in ("ih", "hh"):
            weights[f"{name}.weight_{kind}_l{layer}"] = 0.2 * normal(random, 4 * width, width)
            weights[f"{name}.bias_{kind}_l{layer}"] = 0.2 * normal(random, 4 * width)
    return weights


def speak(case: Case, generation: Any) -> Arrays:
    """Tokens of every stage, and the audio.

    Args:
        case: what to say.
        generation: the module `bark.generation` of one of the packages.
    """
    before = voice() if case.voice else None
    settings: dict[str, Any] = {"temp": NEARLY_ZERO, "silent": True, "use_kv_caching": case.cached}
    rows = [
        generation.generate_text_semantic(
            text, before, max_gen_duration_s=seconds, allow_early_stop=seconds is not None, **settings
        )
        for text, seconds in case.texts
    ]
    semantic = np.concatenate(rows)
    coarse = generation.generate_coarse(semantic, before, **settings)
    fine = generation.generate_fine(coarse, before, temp=None)
    return {"semantic": semantic, "coarse": coarse, "fine": fine, "audio": generation.codec_decode(fine)}
