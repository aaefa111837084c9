"""Step `begin`: the weights of an earlier pup for one whose tokens are others.

A new semantic tokenizer, a codec that was trained on and a new text tokenizer give other tokens for the same sound and
text, which makes the GPTs' tables worthless and leaves their layers as good as they were. Which old token sounds where
a new one does is a count over clips that both read; a new token begins as the mean of the old ones that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.tensors import save_tensors
from bark.codec import build_codec
from bark.models.config import ModelConfig, from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.tokenizer import TextTokenizer
from bark.training.audio_corpus import Clip, read_clips

CLIPS = 60  # of each set, that are read by both
UNSEEN = 1e-2  # of a row's count that is spread over all, as often as they occur
NOISE = 0.3  # of the old pieces' spread, so that new pieces that stand for the same differ

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Shares:
    """Of each new token, the shares of the old tokens that sound where it does.

    Attributes:
        semantic: [new, old].
        codes: one [size, size] a codebook.
    """

    semantic: Tensor
    codes: Sequence[Tensor]


def begin(config: Mapping[str, Any], work: Path, before: Path) -> None:
    """Writes `init/{semantic,coarse,fine}.safetensors`, if they aren't there.

    Args:
        config: the recipe's, of the new model, whose codec and semantic tokenizer are trained.
        work: folder of the recipe.
        before: the earlier checkpoint, of the same shapes but for the tables; its semantic tokens may come at another
            rate.
    """
    if all((work / "init" / f"{stage}.safetensors").exists() for stage in ("semantic", "coarse", "fine")):
        return
    old, new = NativeCheckpoint(before), ModelConfig.from_dict(config["model"])
    found = shares(config, work, old)
    texts = TextTokenizer.from_file(before / "tokenizer.json"), TextTokenizer.from_file(work / "tokens/tokenizer.json")
    weights = {
        "semantic": semantic(old.tensors("semantic"), old.config, new, found, pieces(*texts)),
        "coarse": coarse(old.tensors("coarse"), old.config, new, found),
        "fine": fine(old.tensors("fine"), found),
    }
    for stage, tensors in weights.items():
        save_tensors(tensors, work / "init" / f"{stage}.safetensors")


def shares(config: Mapping[str, Any], work: Path, old: NativeCheckpoint) -> Shares:
    """Counted over some clips of every set that is tokenised."""
    model = config["model"]
    listeners = [
        _tokenizer(old.config.semantic_tokenizer, old.listener()[0]),
        _tokenizer(model["semantic_tokenizer"], _weights(work, "semantic-tokenizer", "semantic_tokenizer")),
    ]
    weights = old.tensors("codec"), _weights(work, "codec", "codec")
    codecs = [_loaded(build_codec(c), w) for c, w in zip((old.config.codec, model["codec"]), weights, strict=True)]
    clips = [c for name in config["tokenize"]["semantic"] for c in read_clips([work / "corpus" / name])[:CLIPS]]
    sizes = [listener.config.vocab for listener in listeners]
    semantic = counted(clips, listeners[0].encode, listeners[1].encode, [(sizes[0], sizes[1])])
    size, books = codecs[0].codebook_size, codecs[0].n_codebooks
    if _are_same(*weights):
        return Shares(semantic[0], [torch.eye(size)] * books)
    return Shares(semantic[0], counted(clips, codecs[0].encode, codecs[1].encode, [(size, size)] * books))


def _are_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@torch.inference_mode()
def counted(
    clips: Iterable[Clip],
    old: Callable[[Tensor], Tensor],
    new: Callable[[Tensor], Tensor],
    sizes: Sequence[tuple[int, int]],
) -> list[Tensor]:
    """For each of the tokens that sound together (old size, new size), the shares [new, old].

    Args:
        clips: that both read.
        old, new: audio [1, N] → tokens [1, T], or [1, K, T].
        sizes: K pairs.
    """
    counts = [torch.zeros(after, before) for before, after in sizes]
    for clip in clips:
        audio = torch.from_numpy(clip.audio())[None]
        rows = [listener(audio).view(len(sizes), -1) for listener in (old, new)]
        most = max(row.shape[1] for row in rows)
        rows = [row[:, torch.arange(most) * row.shape[1] // most] for row in rows]
        for count, before, after in zip(counts, *rows, strict=True):
            count.index_put_((after, before), torch.ones(most), accumulate=True)
    return [_smoothed(count) for count in counts]


def _smoothed(count: Tensor) -> Tensor:
    """Shares of each row; a row without counts has those of all."""
    spread = count.sum(0) / count.sum().clamp(min=1)
    count = count + (UNSEEN * count.sum(1, keepdim=True) + 1e-6) * spread
    return count / count.sum(1, keepdim=True)


def pieces(old: TextTokenizer, new: TextTokenizer) -> list[list[int]]:
    """For each new id the old ids of the same text, piece by piece or sign by sign; none where nothing is known."""
    known = old.vocabulary()
    found: list[list[int]] = [[] for _ in range(new.vocab_size)]
    for piece, number in new.vocabulary().items():
        found[number] = [known[piece]] if piece in known else [known[sign] for sign in piece if sign in known]
    return found


def semantic(weights: Tensors, before: ModelConfig, new: ModelConfig, found: Shares, text: list[list[int]]) -> Tensors:
    """The semantic model's weights with the tables of a new vocabulary, and positions at the new rate."""
    old, table, tokens = before.tokens, weights["wte.weight"].float(), new.tokens
    vocab, slower = old.semantic_vocab, old.semantic_rate / tokens.semantic_rate
    generator = torch.Generator().manual_seed(0)
    said = table[old.text_offset : old.text_pad]
    wte = 0.02 * torch.randn(new.semantic.input_vocab, table.shape[1], generator=generator)
    wte[: tokens.semantic_vocab] = mixed(found.semantic, table[:vocab])
    wte[tokens.semantic_pad] = table[old.semantic_pad]
    for number, like in enumerate(text):
        noise = said.std() * torch.randn(table.shape[1], generator=generator)
        known = said[like] if like else None
        exact = len(like) == 1
        wte[tokens.text_offset + number] = noise if known is None else known.mean(0) + (0.0 if exact else NOISE) * noise
    wte[tokens.text_pad], wte[tokens.semantic_infer] = table[old.text_pad], table[old.semantic_infer]
    head = torch.zeros(new.semantic.output_vocab, table.shape[1])
    head[: tokens.semantic_vocab] = found.semantic @ weights["lm_head.weight"][:vocab].float()
    head[tokens.semantic_eos] = weights["lm_head.weight"][old.semantic_eos].float()
    places = torch.arange(new.semantic.block_size) - new.semantic_layout.prompt_length
    said_at = before.semantic_layout.prompt_length + torch.where(places > 0, places * slower, places)
    wpe = between(weights["wpe.weight"].float(), said_at)
    return {**weights, "wte.weight": wte, "lm_head.weight": head, "wpe.weight": wpe}


def coarse(weights: Tensors, before: ModelConfig, new: ModelConfig, found: Shares) -> Tensors:
    """The coarse model's weights with the tables of new semantic tokens and codes, and positions at the new rate."""
    old, table, tokens = before.tokens, weights["wte.weight"].float(), new.tokens
    heads, slower = weights["lm_head.weight"].float(), old.semantic_rate / tokens.semantic_rate
    wte, head = (torch.zeros(size, table.shape[1]) for size in (new.coarse.input_vocab, new.coarse.output_vocab))
    wte[: tokens.semantic_vocab] = mixed(found.semantic, table[: old.semantic_vocab])
    for book in range(tokens.n_coarse):
        wte[tokens.coarse_rows(book)] = mixed(found.codes[book], table[old.coarse_rows(book)])
        head[tokens.coarse_rows(book)] = found.codes[book] @ heads[old.coarse_rows(book)]
    for ours, theirs in (
        (tokens.coarse_semantic_pad, old.coarse_semantic_pad),
        (tokens.coarse_infer, old.coarse_infer),
    ):
        wte[ours] = table[theirs]
    places, window = torch.arange(new.coarse.block_size), new.coarse_layout.semantic_window
    written_at = before.coarse_layout.semantic_window + places - window
    wpe = between(weights["wpe.weight"].float(), torch.where(places < window, places * slower, written_at))
    return {**weights, "wte.weight": wte, "lm_head.weight": head, "wpe.weight": wpe}


def fine(weights: Tensors, found: Shares) -> Tensors:
    """The fine model's weights with the tables of new codes; heads share the tables, or are like them."""
    made = dict(weights)
    for book, codes in enumerate(found.codes):
        for name, product in ((f"wtes.{book}.weight", mixed), (f"lm_heads.{book - 1}.weight", torch.matmul)):
            if name in weights:
                table = weights[name].float().clone()
                table[: len(codes)] = product(codes, table[: len(codes)])
                made[name] = table
    return made


def mixed(share: Tensor, table: Tensor) -> Tensor:
    """Means of rows, as long as rows usually are: a mean of many is short."""
    means = share @ table
    return means * (table.norm(dim=1).mean() / means.norm(dim=1, keepdim=True).clamp(min=1e-6))


def between(table: Tensor, places: Tensor) -> Tensor:
    """Rows at places that needn't be whole, between those on either side; beyond the last row it is that one."""
    places = places.clamp(0, len(table) - 1)
    lower = places.long()
    upper, share = (lower + 1).clamp(max=len(table) - 1), (places - lower)[:, None]
    return (1 - share) * table[lower] + share * table[upper]


def _tokenizer(shape: Mapping[str, Any] | None, weights: Mapping[str, Tensor]) -> SemanticTokenizer:
    assert shape is not None
    tokenizer: SemanticTokenizer = _loaded(
        SemanticTokenizer(from_mapping(SemanticTokenizerConfig, shape, "[model.semantic_tokenizer]")), weights
    )
    return tokenizer


def _weights(work: Path, run: str, name: str) -> Tensors:
    tensors: Tensors = load_file(work / "runs" / run / f"{name}.safetensors")
    return tensors


def _loaded(module: Any, weights: Mapping[str, Tensor]) -> Any:
    module.load_state_dict({name: value.float() for name, value in weights.items()})
    return module.eval().requires_grad_(False)
