"""Step `tokenize`: the text tokenizer, and the corpus as semantic tokens and codes.

Semantic tokens need the trained semantic tokenizer, codes the trained codec; each part is made when its model is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from bark.codec import build_codec
from bark.models.config import from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.tokenizer import train_tokenizer
from bark.training.tokenized import tokenize_codes, tokenize_semantic
from recipes.pup import texts


def text_tokenizer(config: Mapping[str, Any], work: Path, wordnet: Path) -> None:
    """Learns `tokens/tokenizer.json` from everything that may be said."""
    path = work / "tokens" / "tokenizer.json"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    train_tokenizer(texts.english_sentences(wordnet), config["tokenize"]["text_vocab"]).save(path)


def semantic(config: Mapping[str, Any], work: Path) -> None:
    """Semantic tokens of every set, if the semantic tokenizer is trained."""
    weights = work / "runs" / "semantic-tokenizer" / "semantic_tokenizer.safetensors"
    if not weights.exists():
        return print(f"no {weights}: train the semantic tokenizer first")
    shape = from_mapping(SemanticTokenizerConfig, config["model"]["semantic_tokenizer"], "[model.semantic_tokenizer]")
    tokenizer = _loaded(SemanticTokenizer(shape), weights)
    for name in config["tokenize"]["semantic"]:
        tokenize_semantic(work / "corpus" / name, work / "tokens" / name, tokenizer)


def codes(config: Mapping[str, Any], work: Path) -> None:
    """Codes of every set that wants them, if the codec is trained."""
    weights = work / "runs" / "codec" / "codec.safetensors"
    if not weights.exists():
        return print(f"no {weights}: train the codec first")
    codec = _loaded(build_codec(config["model"]["codec"]), weights)
    tokens = config["model"]["tokens"]
    hop = round(tokens["sample_rate"] / tokens["semantic_rate"])
    for name, shards in config["tokenize"]["codes"].items():
        tokenize_codes(work / "corpus" / name, work / "tokens" / name, codec, hop, shards or None)


def _loaded(module: Any, weights: Path) -> Any:
    module.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return module.eval().requires_grad_(False).to(torch.float32)
