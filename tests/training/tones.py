"""A corpus of a few seconds: tones under made-up words, with the shards, alignments and tokens of a real one.

And the settings of models small enough to be trained on it in a test.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bark.codec import build_codec
from bark.models.config import from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.tokenizer import train_tokenizer
from bark.training.tokenized import tokenize_codes, tokenize_semantic

WORDS = ["bada", "domi", "nalu", "sotiki", "mabelu", "rada"]
VOICES = ("low", "high")
UNIT = 600
TEXT_IDS = 300
SHAPE = {"n_layer": 2, "n_head": 2, "n_embd": 16}
MODEL: dict[str, Any] = {
    "name": "tiny",
    "tokens": {
        "sample_rate": 24_000,
        "semantic_rate": 25.0,
        "semantic_vocab": 16,
        "frame_rate": 50.0,
        "codebook_size": 16,
        "n_coarse": 2,
        "n_codebooks": 4,
        "text_offset": 20,
        "text_pad": 20 + TEXT_IDS,
        "semantic_pad": 16,
        "semantic_infer": 21 + TEXT_IDS,
        "coarse_semantic_pad": 48,
        "coarse_infer": 49,
    },
    "semantic": {**SHAPE, "block_size": 128, "input_vocab": 22 + TEXT_IDS, "output_vocab": 17},
    "semantic_layout": {"text_length": 40, "history_length": 12, "max_steps": 80, "pad_prompt": False},
    "coarse": {**SHAPE, "block_size": 80, "input_vocab": 50, "output_vocab": 48},
    "coarse_layout": {"semantic_window": 14, "max_history": 48, "stride": 12, "drop_history": 0},
    "fine": {**SHAPE, "block_size": 40, "vocab": 17, "n_codebooks": 4},
    "fine_layout": {"window": 40, "hop": 16, "max_history": 24, "pad_window": False},
    "codec": {
        "kind": "pup",
        "n_codebooks": 4,
        "codebook_size": 16,
        "codebook_dim": 4,
        "n_mels": 20,
        "encoder_width": 8,
        "encoder_blocks": [1, 1],
        "width": 16,
        "decoder_blocks": [1, 1],
    },
    "semantic_tokenizer": {"rate": 25, "n_mels": 20, "width": 8, "blocks": [1, 1], "levels": [4, 4]},
}
LOOP = {"steps": 3, "log_every": 1, "threads": 1}
SETTINGS: dict[str, Any] = {
    "model": MODEL,
    "codec": {
        "sets": {"tones": 1.0},
        "crop_seconds": 0.2,
        "batch": 2,
        "scales": [256, 512],
        "n_mels": 20,
        "validation_clips": 2,
        "loop": dict(LOOP),
    },
    "codec-decoder": {
        "sets": {"tones": 1.0},
        "crop_seconds": 0.2,
        "batch": 2,
        "scales": [256, 512],
        "n_mels": 20,
        "validation_clips": 2,
        "adversarial_after": 1,
        "discriminators": {"ffts": [256], "spectral_width": 2, "periods": [3], "period_width": 2},
        "loop": dict(LOOP),
    },
    "source-filter": {  # another "codec-decoder"
        "synthesis": "source-filter",
        "sets": {"tones": 1.0},
        "crop_seconds": 0.2,
        "batch": 2,
        "scales": [256, 512],
        "n_mels": 20,
        "validation_clips": 2,
        "adversarial_after": 1,
        "critics": [256],
        "critic_width": 2,
        "loop": dict(LOOP),
    },
    "semantic-tokenizer": {
        "sets": {"tones": 1.0},
        "batch": 2,
        "crop_seconds": 0.4,
        "spectrum_weight": 0.5,
        "loop": dict(LOOP),
    },
    "semantic": {
        "sets": {"tones": 1.0},
        "batch_tokens": 160,
        "text_dropout": 0.3,
        "alignment_heads": [[0, 0], [1, 1]],
        "loop": dict(LOOP),
    },
    "coarse": {"sets": {"tones": 1.0}, "batch": 2, "validation_windows": 2, "loop": dict(LOOP)},
    "fine": {"sets": {"tones": 1.0}, "batch": 2, "validation_windows": 2, "loop": dict(LOOP)},
}
EXPORTED = {
    "codec": "codec.safetensors",
    "semantic-tokenizer": "semantic_tokenizer.safetensors",
    "semantic": "semantic.safetensors",
    "coarse": "coarse.safetensors",
    "fine": "fine.safetensors",
}


def write_shard(path: Path, rows: Sequence[dict[str, Any]], audio: Sequence[np.ndarray]) -> None:
    """A shard of audio [N] each, as `bark.training.audio_corpus` reads it; offsets and lengths are filled in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    offset, lines = 0, []
    with path.with_suffix(".pcm").open("wb") as file:
        for row, samples in zip(rows, audio, strict=True):
            file.write((samples * 32767).round().astype("<i2").tobytes())
            lines.append(json.dumps({**row, "offset": offset, "samples": len(samples)}))
            offset += len(samples)
    path.with_suffix(".jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def spoken_row(name: str, text: str, voice: str, rng: np.random.Generator) -> dict[str, Any]:
    """A row whose phonemes are its letters, each of one to three units."""
    durations = rng.integers(1, 4, len(text) + 2).tolist()
    return {
        "id": f"tones/{name}",
        "text": text,
        "phonemes": text,
        "durations": durations,
        "trim_start": 0,
        "voice": voice,
        "language": "en",
    }


def tones(row: dict[str, Any]) -> np.ndarray:
    """A pitch for every phoneme, as long as it lasts."""
    base = 110.0 if row["voice"] == "low" else 190.0
    letters = " " + row["phonemes"] + " "
    hertz = np.repeat([base + 7 * (ord(c) % 23) for c in letters], np.asarray(row["durations"]) * UNIT)
    return (0.4 * np.sin(2 * np.pi * np.cumsum(hertz) / 24_000)).astype(np.float32)


def held_out(text: str) -> bool:
    return zlib.crc32(text.encode()) % 100 == 0


def texts(kept_back: bool) -> Iterator[str]:
    """Endless made-up texts that are kept for validation, or that aren't."""
    rng = np.random.default_rng(int(kept_back))
    while True:
        text = " ".join(rng.choice(WORDS, 3)) + str(rng.choice(list(".!?")))
        if held_out(text) == kept_back:
            yield text


def make_corpus(folder: Path) -> None:
    """Two shards of ten clips, one of which is held out; with their pitch, so that WORLD is not needed."""
    rng = np.random.default_rng(0)
    spoken, kept = texts(False), texts(True)
    for shard in range(2):
        chosen = [next(kept) if i == 4 else next(spoken) for i in range(10)]
        rows = [spoken_row(f"{shard}/{i}", text, VOICES[i % 2], rng) for i, text in enumerate(chosen)]
        audio = [tones(row) for row in rows]
        write_shard(folder / f"{shard:04d}", rows, audio)
        pitch = {
            r["id"].replace("/", "|"): np.full(len(a) // 240 + 1, 5, "f4") for r, a in zip(rows, audio, strict=True)
        }
        np.savez(folder / f"{shard:04d}.f0.npz", **pitch)


def make_tokens(folder: Path) -> None:
    """Tokens of untrained models for a folder that has the corpus, and a text tokenizer."""
    torch.manual_seed(0)
    shape = from_mapping(SemanticTokenizerConfig, MODEL["semantic_tokenizer"], "test")
    tokens = folder / "tokens" / "tones"
    tokenize_semantic(folder / "corpus" / "tones", tokens, SemanticTokenizer(shape).eval())
    tokenize_codes(folder / "corpus" / "tones", tokens, build_codec(MODEL["codec"]).eval(), 960)
    train_tokenizer([" ".join(WORDS)], TEXT_IDS, min_frequency=1).save(folder / "tokens" / "tokenizer.json")


def toml(tables: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Lines of a TOML file; strings are simple."""
    lines = []
    for name, value in tables.items():
        if not isinstance(value, dict):
            lines.append(f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}")
    for name, value in tables.items():
        if isinstance(value, dict):
            lines += [f"[{prefix}{name}]", *toml(value, f"{prefix}{name}.")]
    return lines
