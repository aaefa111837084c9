"""The comparison of semantic tokens: what makes them, and the small models that tell what they are worth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bark.codec import build_codec
from bark.codec.pup import PupCodec
from bark.training.audio_corpus import Clip
from recipes.pup import compare_semantic
from recipes.pup.semantic_candidates import (
    FeatureTokenizer,
    FeatureTokenizerTask,
    Means,
    Utterance,
    k_means,
    loudness,
    nearest,
)
from recipes.pup.semantic_models import ResynthesisTask, phoneme_text, speaker_accuracy
from recipes.pup.semantic_report import Row, markdown
from recipes.pup.whisper_features import WIDTH

RATE = 24_000


def utterance(folder: Path, seconds: float = 3.0, seed: int = 0) -> Utterance:
    """A hum with random features and codes."""
    rng, samples = np.random.default_rng(seed), round(seconds * RATE)
    hum = 0.3 * np.sin(2 * np.pi * 120 * np.arange(samples) / RATE) + rng.normal(0, 0.01, samples)
    path = folder / f"{seed}.pcm"
    (hum * 32767).astype("<i2").tofile(path)
    units = samples // 600
    row = {
        "id": f"hum/{seed}",
        "text": "ab",
        "voice": "low" if seed % 2 else "high",
        "offset": 0,
        "samples": samples,
        "phonemes": "ab",
        "durations": [5, units // 2 - 5, units - units // 2 - 5, 5],
        "trim_start": 0,
    }
    path.with_suffix(".jsonl").write_text(json.dumps(row) + "\n")
    frames = samples // 480
    features = rng.normal(size=(frames, WIDTH)).astype(np.float16)
    return Utterance(Clip(path, row), features, rng.integers(0, 64, (8, frames)))


@pytest.fixture(scope="module")
def codec() -> PupCodec:
    """A small one that has learned nothing."""
    torch.manual_seed(0)
    shape = {"encoder_width": 16, "encoder_blocks": [1, 1], "width": 32, "decoder_blocks": [1, 1], "codebook_size": 64}
    made = build_codec({"kind": "pup", "n_mels": 20, **shape})
    assert isinstance(made, PupCodec)
    return made.eval().requires_grad_(False)


class TestMeans:
    def test_clusters(self) -> None:
        generator = torch.Generator().manual_seed(1)
        centres = torch.tensor([[0.0, 0], [10, 0], [0, 10]])
        points = centres.repeat(50, 1) + 0.1 * torch.randn(150, 2, generator=generator)
        means = k_means(points, 3, 8, generator)
        assert len(set(nearest(centres, means).tolist())) == 3
        assert torch.cdist(centres, means).amin(1).max() < 0.2

    def test_no_mean_is_left_without_points(self) -> None:
        points = torch.tensor([[0.0], [0.0], [0.0], [5.0], [6.0]])
        means = k_means(points, 3, 20, torch.Generator().manual_seed(0))
        assert sorted(round(float(m)) for m in means) == [0, 5, 6]

    def test_rates(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("recipes.pup.semantic_candidates.VOCAB", 8)
        spoken = utterance(tmp_path, 3.0)
        for rate, count in ((50, 150), (25, 75)):
            candidate = Means(rate, [spoken])
            tokens = candidate.encode(spoken.clip.audio(), spoken.features)
            assert candidate.name == f"whisper-{rate}"
            assert tokens.shape == (count,) and set(tokens.tolist()) <= set(range(8))


class TestFeatureTokenizer:
    def test_learns(self, tmp_path: Path) -> None:
        pytest.importorskip("pyworld")
        torch.manual_seed(0)
        task = FeatureTokenizerTask([utterance(tmp_path, 3.0)], batch=4, seconds=1.0)
        batch = task.draw(np.random.default_rng(0))
        assert batch["classes"].shape == (4, 50) and batch["features"].shape == (4, 50, WIDTH)
        assert {1 + "AIOQSTWYabdef".index("a"), 1 + "AIOQSTWYabdef".index("b")} & set(batch["classes"].ravel().tolist())
        optimizer = torch.optim.Adam(task.parameters(), 1e-3)
        losses = []
        for _ in range(12):
            loss = task(batch)["loss"]
            losses.append(float(loss.detach()))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        assert losses[-1] < 0.9 * losses[0]

    def test_rate(self, tmp_path: Path) -> None:
        spoken = utterance(tmp_path, 2.02)
        tokens = FeatureTokenizer().eval().encode(spoken.clip.audio(), spoken.features)
        assert tokens.shape == (50,) and tokens.min() >= 0 and tokens.max() < 1024

    def test_loudness(self) -> None:
        audio = np.concatenate([np.zeros(4800), np.full(4800, 0.1), np.full(4800, 0.2)]).astype(np.float32)
        found = loudness(audio, 30)
        assert found[:10].max() == -2 and found[15] < 0 < found[25]
        assert found[25] - found[15] == pytest.approx(np.log(2) / 2, abs=0.01)


class TestModels:
    def test_resynthesis(self, tmp_path: Path, codec: PupCodec) -> None:
        torch.manual_seed(0)
        spoken = [utterance(tmp_path, 3.0, seed) for seed in range(2)]
        for rate in (25, 50):
            tokens = [np.arange(3 * rate) % 7 for _ in spoken]
            task = ResynthesisTask(
                tokens, [u.codes for u in spoken], [u.voice for u in spoken], rate, codec, batch=3, width=16
            )
            batch = task.draw(np.random.default_rng(0))
            assert batch["codes"].shape == (3, 8, 80) and batch["tokens"].shape == (3, 80 * rate // 50)
            task(batch)["loss"].backward()
            assert all(p.grad is not None for p in task.parameters())
            assert task.eval().speak(tokens[0], "low").shape == (3 * RATE,)

    def test_probe(self) -> None:
        rng = np.random.default_rng(0)
        tokens = [rng.integers(0, 50, 30) + 50 * (i % 2) for i in range(200)]
        assert speaker_accuracy(tokens, [str(i % 2) for i in range(200)], epochs=5) > 0.95
        alike = [rng.integers(0, 50, 30) for _ in range(200)]
        assert speaker_accuracy(alike, [str(i % 2) for i in range(200)], epochs=2) < 0.8

    def test_phonemes_as_text(self) -> None:
        assert phoneme_text("hˈAɪ Wa") == "hˈ1ɪ 7a"

    def test_pitch_likeness(self) -> None:
        pytest.importorskip("pyworld")
        time = np.arange(2 * RATE) / RATE
        rising, falling = (
            np.sin(2 * np.pi * np.cumsum(150 + slope * time) / RATE).astype(np.float32) * 0.5 for slope in (30, -30)
        )
        assert compare_semantic.pitch_likeness(rising, rising * 0.5) > 0.95
        assert compare_semantic.pitch_likeness(rising, falling) < -0.9
        assert compare_semantic.pitch_likeness(rising, np.zeros_like(rising)) == 0


def test_phonemes_told(tmp_path: Path) -> None:
    (tmp_path / "hibari-en").mkdir()
    spoken = [utterance(tmp_path / "hibari-en", 3.0, seed) for seed in range(8)]
    first = [np.where(np.arange(75) < 37, 5, 9) for _ in spoken]  # the token tells which half, as the phoneme does
    assert compare_semantic.phoneme_accuracy(first, spoken, 25) > 0.9
    same = [np.zeros(75, np.int64) for _ in spoken]
    assert compare_semantic.phoneme_accuracy(same, spoken, 25) < 0.6


class TestPage:
    about = {  # noqa: RUF012
        "hours": {"hibari-en": 0.5},
        "steps": 10,
        "text_steps": 20,
        "clips": 12,
        "speakers": 8,
        "codec_speaker": 0.7,
    }
    row = Row("pup", 25, 250.0, 230.0, 0.9, phonemes=0.6, speaker=0.3)

    def test_trained(self) -> None:
        more = {"input_wer": 0.01, "wer": 0.05, "wer_interval": (0.02, 0.08), "pitch": 0.9, "text_bits": 60.0}
        page = markdown([replace(self.row, **more, text_wer=0.2, text_interval=(0.1, 0.3))], self.about)
        assert "| pup | 25 | 250 | 230 | 90 | 60 | 30 | 5.0 (2.0 … 8.0) | 0.90 | 60 | 20.0 (10.0 … 30.0) |" in page
        assert "1.0 % of their words are misheard" in page

    def test_nothing_trained(self) -> None:
        page = markdown([self.row], self.about)
        assert "| 60 | 30 |\n" in page and "misheard" not in page
