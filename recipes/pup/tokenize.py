"""Step `tokenize`: the text tokenizer, and the corpus as semantic tokens and codes.

Semantic tokens need the trained semantic tokenizer, codes the trained codec; each part is made when its model is there.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from bark.codec import build_codec
from bark.models.config import TextConfig, from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.prepare import prepared
from bark.text.tokenizer import train_tokenizer
from bark.training.tokenized import tokenize_codes, tokenize_semantic
from recipes.pup import g2p, texts

CHARACTERS = 120_000  # of each language, about 2000 sentences, or as many as the one with the fewest has


def text_tokenizer(config: Mapping[str, Any], work: Path, wordnet: Path) -> None:
    """Learns `tokens/tokenizer.json` from what may be said: as much of each language, as the model will read it."""
    path = work / "tokens" / "tokenizer.json"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted = config["tokenize"]
    said = sentences(config, work, wordnet)
    train_tokenizer(said, wanted["text_vocab"], capitals=wanted.get("capitals", False)).save(path)


def sentences(config: Mapping[str, Any], work: Path, wordnet: Path) -> list[str]:
    """What the model will read, in each language of the corpus as much; all, where there is but one."""
    corpus, wanted = config["corpus"], _text(config)
    languages = {part.get("language", "en") for part in corpus["sets"]}
    languages |= {Path(part["archive"]).stem for part in corpus.get("ready", [])}
    pools = {code: texts.sentences(code, wordnet, work / "texts") for code in sorted(languages)}
    if any(part["teacher"] == "expressive" for part in corpus["sets"]):
        pools["en"] = [*texts.own_sentences("tags_en"), *pools["en"]]
    if len(pools) == 1:
        return [prepared(g2p.plain(text), wanted, code) for code, pool in pools.items() for text in pool]
    read = {code: list(_some(pool, code, wanted)) for code, pool in pools.items()}
    fewest = min(sum(map(len, said)) for said in read.values())
    return [text for said in read.values() for text in _up_to(said, fewest)]


def _some(pool: list[str], language: str, wanted: TextConfig) -> Iterator[str]:
    """Sentences of a language in any order, about `CHARACTERS` of them, as the model reads them."""
    chosen = _up_to(random.Random(language).sample(pool, len(pool)), CHARACTERS)
    return (prepared(g2p.plain(text), wanted, language) for text in chosen)


def _up_to(said: Iterable[str], characters: int) -> Iterator[str]:
    for text in said:
        if characters <= 0:
            return
        characters -= len(text)
        yield text


def semantic(config: Mapping[str, Any], work: Path) -> None:
    """Semantic tokens of every set, if the semantic tokenizer is trained."""
    weights = work / "runs" / "semantic-tokenizer" / "semantic_tokenizer.safetensors"
    if not weights.exists():
        return print(f"no {weights}: train the semantic tokenizer first")
    shape = from_mapping(SemanticTokenizerConfig, config["model"]["semantic_tokenizer"], "[model.semantic_tokenizer]")
    tokenizer = _loaded(SemanticTokenizer(shape), weights)
    for name in config["tokenize"]["semantic"]:
        tokenize_semantic(work / "corpus" / name, work / "tokens" / name, tokenizer, _text(config))


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


def _text(config: Mapping[str, Any]) -> TextConfig:
    return from_mapping(TextConfig, config["model"].get("text", {}), "[model.text]")


def _loaded(module: Any, weights: Path) -> Any:
    module.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return module.eval().requires_grad_(False).to(torch.float32)
