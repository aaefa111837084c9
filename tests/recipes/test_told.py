"""What semantic tokens tell at all, on tones whose pitch the tokens know or don't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bark.codec.pup import PupCodec, PupCodecConfig
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.audio_corpus import Clip, read_clips
from recipes.pup.told import features, said

RATE = 24_000
CODEC = PupCodecConfig(
    width=16, encoder_width=8, encoder_blocks=(1, 1), decoder_blocks=(1, 1), n_codebooks=2, codebook_size=16
)
TOKENIZER = SemanticTokenizerConfig(n_mels=20, width=8, blocks=(1, 1), levels=(4, 4))


@pytest.fixture(scope="module")
def codec() -> PupCodec:
    torch.manual_seed(0)
    return PupCodec(CODEC).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def tokenizer() -> SemanticTokenizer:
    torch.manual_seed(0)
    return SemanticTokenizer(TOKENIZER).eval().requires_grad_(False)


@pytest.fixture
def clips(tmp_path: Path, codec: PupCodec) -> list[tuple[Clip, np.ndarray]]:
    rows, pieces, place = [], [], 0
    for number in range(8):
        count = RATE * (2 + number % 3)
        tone = 0.4 * np.sin(2 * np.pi * (100 + 40 * number) * np.arange(count) / RATE)
        pieces.append((tone * 32767).astype("<i2"))
        rows.append({"id": str(number), "text": "", "voice": "ab"[number % 2], "offset": place, "samples": count})
        place += count
    np.concatenate(pieces).tofile(tmp_path / "0000.pcm")
    (tmp_path / "0000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_clips([tmp_path])
    with torch.inference_mode():
        codes = [codec.encode(torch.from_numpy(clip.audio())[None])[0].numpy() for clip in found]
    return list(zip(found, codes, strict=True))


@pytest.mark.parametrize(("source", "width"), [("tokens", 2), ("bounded", 2), ("hidden", 8)])
def test_features(tokenizer: SemanticTokenizer, source: str, width: int) -> None:
    audio = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0)) / 10
    found = features(tokenizer, audio, source)
    assert found.shape == (2, 25, width)
    if source == "tokens":
        assert torch.equal(found, tokenizer.quantizer.decode(tokenizer.encode(audio)))
    if source == "bounded":
        rounded = (found + 1) * 1.5
        assert torch.equal(tokenizer.quantizer.decode(tokenizer.encode(audio)), rounded.round() / 1.5 - 1)


def test_it_learns_and_speaks_as_long_as_the_clip(
    clips: list[tuple[Clip, np.ndarray]], codec: PupCodec, tokenizer: SemanticTokenizer, capsys: Any
) -> None:
    spoken = list(said(codec, tokenizer, "tokens", clips, 100, width=16, blocks=(1, 1)))
    assert len(spoken) == 2
    for clip, audio in spoken:
        assert audio.shape == (clip.row["samples"] // TOKENIZER.hop * TOKENIZER.hop,)
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert all(loss < 0.5 for loss in losses), "the latent's own variance is 1"
