"""Weights of an earlier model for one whose tokens are others: where these say the same, so do the weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bark.checkpoints.native import NativeCheckpoint, save_checkpoint
from bark.checkpoints.tensors import save_tensors
from bark.codec import build_codec
from bark.models.config import ModelConfig, from_mapping
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.tokenizer import train_tokenizer
from bark.training.audio_corpus import read_clips
from recipes.pup import begin
from tests.training.tones import SETTINGS, write_shard


def test_tokens_that_sound_together_are_counted(tmp_path: Path) -> None:
    write_shard(tmp_path / "0000", [{"id": "a", "text": "a", "voice": "v"}], [np.repeat([0.1, 0.3, 0.5], 4)])

    def old(audio: Tensor) -> Tensor:
        return (audio * 10).round().long()[:, ::2]

    def new(audio: Tensor) -> Tensor:
        return 5 - old(audio)

    (found,) = begin.counted(read_clips([tmp_path]), old, new, [(6, 5)])
    assert found.shape == (5, 6)
    assert found[[4, 2, 0]].argmax(1).tolist() == [1, 3, 5]
    torch.testing.assert_close(found.sum(1), torch.ones(5))
    torch.testing.assert_close(found[1], found[3])  # never heard: as often as all occur


def test_tokens_of_two_rates_are_counted_where_they_sound(tmp_path: Path) -> None:
    write_shard(tmp_path / "0000", [{"id": "a", "text": "a", "voice": "v"}], [np.repeat([0.1, 0.3, 0.5], 4)])

    def old(audio: Tensor) -> Tensor:
        return (audio * 10).round().long()[:, ::4]

    def new(audio: Tensor) -> Tensor:
        return (audio * 10).round().long()[:, ::2] // 2

    (found,) = begin.counted(read_clips([tmp_path]), old, new, [(6, 3)])
    assert found.argmax(1).tolist() == [1, 3, 5]


def test_positions_at_another_rate(config: ModelConfig) -> None:
    """What stood at a time stands there still, and the prompt where it was."""
    rate = config.tokens.semantic_rate
    faster = replace(
        config,
        tokens=replace(config.tokens, semantic_rate=2 * rate),
        coarse_layout=replace(config.coarse_layout, semantic_window=2 * config.coarse_layout.semantic_window),
    )
    shares = begin.Shares(
        torch.eye(config.tokens.semantic_vocab), [torch.eye(config.tokens.codebook_size)] * config.tokens.n_codebooks
    )
    for stage in ("semantic", "coarse"):
        shape = getattr(config, stage)
        weights = {name: value.clone() for name, value in GPT(shape).state_dict().items()}
        table = torch.arange(shape.block_size).float()[:, None].expand(-1, shape.n_embd)
        weights["wpe.weight"] = table
        if stage == "semantic":
            wpe = begin.semantic(weights, config, faster, shares, [[0]] * 3)["wpe.weight"][:, 0]
            prompt = config.semantic_layout.prompt_length
            assert wpe[: prompt + 1].tolist() == list(range(prompt + 1))
            assert wpe[prompt + 1 : prompt + 4].tolist() == [prompt + 0.5, prompt + 1, prompt + 1.5]
        else:
            wpe = begin.coarse(weights, config, faster, shares)["wpe.weight"][:, 0]
            window = config.coarse_layout.semantic_window
            assert wpe[: 2 * window].tolist() == [place / 2 for place in range(2 * window)]
            assert wpe[2 * window : 2 * window + 3].tolist() == [window, window + 1, window + 2]
        assert wpe[-1] <= shape.block_size - 1


@pytest.mark.parametrize("stage", ["semantic", "coarse"])
def test_other_names_change_nothing(config: ModelConfig, stage: str) -> None:
    """The same tokens in another order: the model says the same, by the new names."""
    tokens, shape = config.tokens, getattr(config, stage)
    vocab, size = tokens.semantic_vocab, tokens.codebook_size
    order = torch.arange(vocab).roll(1)  # the old token of each new one
    books = [torch.arange(size).roll(book + 1) for book in range(tokens.n_codebooks)]
    shares = begin.Shares(torch.eye(vocab)[order], [torch.eye(size)[book] for book in books])
    model, other = GPT(shape).eval(), GPT(shape).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    model.wte.weight.data /= model.wte.weight.detach().norm(dim=1, keepdim=True)  # means are as long as rows are
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    if stage == "semantic":
        text = [[number] for number in range(tokens.text_pad - tokens.text_offset)]
        other.load_state_dict(begin.semantic(weights, config, config, shares, text))
        rows, names, last = slice(0, vocab), order, tokens.semantic_infer
    else:
        other.load_state_dict(begin.coarse(weights, config, config, shares))
        rows, names, last = tokens.coarse_rows(0), books[0], tokens.coarse_infer
    old = torch.tensor([[3, 1, last]])
    new = torch.tensor([[*torch.argsort(order)[[3, 1]].tolist(), last]])
    with torch.no_grad():
        said, again = (m.logits(m(m.embed(ids), torch.arange(3)), rows) for m, ids in ((model, old), (other, new)))
    torch.testing.assert_close(again, said[..., names], rtol=1e-4, atol=1e-4)


def test_fine_tables(config: ModelConfig) -> None:
    model = FineGPT(config.fine)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    size = config.tokens.codebook_size
    order = torch.arange(size).flip(0)
    made = begin.fine(weights, begin.Shares(torch.eye(1), [torch.eye(size)[order]] * config.tokens.n_codebooks))
    for name, value in made.items():
        if name.startswith("wtes."):
            cosine = torch.cosine_similarity(value[:size], weights[name][:size][order])
            torch.testing.assert_close(cosine, torch.ones(size))
            torch.testing.assert_close(value[size:], weights[name][size:])
        elif not name.startswith("lm_heads."):
            assert torch.equal(value, weights[name])


def test_all_of_it(work: Path, tmp_path: Path) -> None:
    """A codec that stayed as it was keeps its codes; another is listened to."""
    torch.manual_seed(0)
    model = ModelConfig.from_dict(SETTINGS["model"])
    shape = from_mapping(SemanticTokenizerConfig, model.semantic_tokenizer, "test")
    modules: dict[str, torch.nn.Module] = {
        "semantic": GPT(model.semantic),
        "coarse": GPT(model.coarse),
        "fine": FineGPT(model.fine),
        "codec": build_codec(model.codec),
        "semantic_tokenizer": SemanticTokenizer(shape),
    }
    save_checkpoint(tmp_path / "before", model, modules, work / "tokens" / "tokenizer.json", torch.float16)
    for name in ("corpus", "tokens"):
        (tmp_path / name).symlink_to(work / name)
    runs = tmp_path / "runs"
    save_tensors(modules["codec"].state_dict(), runs / "codec" / "codec.safetensors")
    listener = SemanticTokenizer(shape)
    save_tensors(listener.state_dict(), runs / "semantic-tokenizer" / "semantic_tokenizer.safetensors")
    config = {**SETTINGS, "tokenize": {"semantic": ["tones"], "codes": {"tones": 0}}}
    begin.begin(config, tmp_path, tmp_path / "before")
    for stage in ("semantic", "coarse", "fine"):
        made = load_file(tmp_path / "init" / f"{stage}.safetensors")
        own = modules[stage].state_dict()
        assert all(value.shape == own[name].shape for name, value in made.items())
        assert all(name.startswith("lm_heads") for name in own.keys() - made.keys()), "which are the tables themselves"
        assert all(torch.equal(made[name].half(), own[name].half()) for name in own if name.startswith("h."))
    size = model.tokens.codebook_size
    old = NativeCheckpoint(tmp_path / "before")
    assert all(torch.equal(codes, torch.eye(size)) for codes in begin.shares(config, tmp_path, old).codes)
    save_tensors(build_codec(model.codec).state_dict(), runs / "codec" / "codec.safetensors")
    assert not any(torch.equal(codes, torch.eye(size)) for codes in begin.shares(config, tmp_path, old).codes)


def test_pieces_of_pieces() -> None:
    old, new = train_tokenizer(["abc", "bcd"] * 30, 400), train_tokenizer(["abcd", "cab"] * 30, 400)
    found, known = begin.pieces(old, new), old.vocabulary()
    for piece, number in new.vocabulary().items():
        if piece in known:
            assert found[number] == [known[piece]]
        else:
            assert found[number] == [known[sign] for sign in piece if sign in known]
