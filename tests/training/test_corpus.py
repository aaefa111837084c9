"""Shards of audio, alignments by hand, and the corpus as tokens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bark.codec import build_codec
from bark.errors import TrainingError
from bark.models.config import ModelConfig, TextConfig, from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.alignment import IGNORED, cached_pitch, phoneme_classes, sounding
from bark.training.audio_corpus import AudioSampler, Clip, read_clips
from bark.training.tokenized import read_tokens, spoken_characters, tokenize_codes, tokenize_semantic

UNIT = 600


def clip(phonemes: str, durations: list[int], text: str = "", trim_start: int = 0) -> Clip:
    row = {"phonemes": phonemes, "durations": durations, "text": text, "trim_start": trim_start}
    return Clip(Path("none.pcm"), row)


def middles(units: int) -> np.ndarray:
    """The middle of each unit, in samples."""
    return np.arange(units) * UNIT + UNIT // 2


class TestSounding:
    def test_by_hand(self) -> None:
        # a pad of 2 units, "a" 1, "b" 3, "c" 2, a pad of 1
        found = sounding(clip("abc", [2, 1, 3, 2, 1]), middles(11))
        assert found.tolist() == [-1, -1, 0, 1, 1, 1, 2, 2, -1, -1, -1]

    def test_stress_belongs_to_what_follows(self) -> None:
        found = sounding(clip("ˈaˌˈb", [1, 2, 1, 1, 2, 1, 1]), middles(9))
        assert found.tolist() == [-1, 1, 1, 1, 4, 4, 4, 4, -1]

    def test_stress_at_the_end_keeps_its_time(self) -> None:
        assert sounding(clip("aˈ", [1, 1, 2, 1]), middles(5)).tolist() == [-1, 0, 1, 1, -1]

    def test_the_front_that_was_cut(self) -> None:
        whole = sounding(clip("ab", [3, 2, 2, 2]), middles(9))
        cut = sounding(clip("ab", [3, 2, 2, 2], trim_start=2 * UNIT), middles(9))
        assert cut.tolist() == [*whole[2:].tolist(), -1, -1]

    def test_times_at_the_edges(self) -> None:
        assert sounding(clip("a", [1, 1, 1]), np.asarray([-1, 0, 599, 600, 1199, 1200])).tolist() == [
            -1,
            -1,
            -1,
            0,
            0,
            -1,
        ]


def test_phoneme_classes() -> None:
    found = phoneme_classes(clip("ab?", [1, 1, 1, 1, 1]), middles(6), alphabet="ba")
    assert found.tolist() == [0, 2, 1, IGNORED, 0, 0]


class TestSpokenCharacters:
    def test_by_hand(self) -> None:
        #      01234567890
        row = clip("hai bo", [1, 2, 1, 1, 1, 2, 2, 1], text="Hey, bow")
        found = spoken_characters(row, middles(11))
        # "hai" over "Hey," (characters 0 … 3): 1/6, 3/6 and 5/6 of the way; the space is 4; "bo" over "bow" (5 … 7)
        assert found.tolist() == [-1, 0, 0, 2, 3, 4, 5, 5, 7, 7, -1]

    def test_a_word_that_comes_twice(self) -> None:
        row = clip("ab ab", [1, 1, 1, 1, 1, 1, 1], text="ab ab")
        assert spoken_characters(row, middles(7)).tolist() == [-1, 0, 1, 2, 3, 4, -1]

    def test_other_words_than_sounds(self) -> None:
        """Between two marks the place is interpolated, unless there are as many words."""
        row = clip("ab cd, e f g.", [1] * 15, text="abcd, e f g.")
        found = spoken_characters(row, middles(15))
        assert found.tolist() == [-1, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1]

    def test_other_marks_than_sounds(self) -> None:
        """Nothing is known, nor where a tag has sounds of its own."""
        for text in ("abcd e f g.", "[laughs] ab cd, e f g."):
            row = clip("ab cd, e f g.", [1] * 15, text=text)
            assert set(spoken_characters(row, middles(15)).tolist()) == {-1}

    def test_morae(self) -> None:
        row = clip("kʲi ɕaʔ te", [1] * 12, text="キシャッテ")
        found = spoken_characters(row, middles(12))
        assert found.tolist() == [-1, 0, 0, 0, 1, 1, 1, 3, 4, 4, 4, -1]

    def test_another_text(self) -> None:
        row = clip("ab", [1, 1, 1, 1], text="22")
        assert spoken_characters(row, middles(4), "xyzw").tolist() == [-1, 1, 3, -1]

    def test_no_alignment(self) -> None:
        row = Clip(Path("none.pcm"), {"text": "hello"})
        assert spoken_characters(row, middles(3)).tolist() == [-1, -1, -1]


class TestShards:
    def test_audio(self, tmp_path: Path, shard_writer: Callable[..., None]) -> None:
        audio = [np.linspace(-1, 1, n, dtype=np.float32) for n in (100, 50)]
        shard_writer(tmp_path / "0000", [{"text": "a"}, {"text": "b"}], audio)
        first, second = read_clips([tmp_path])
        np.testing.assert_allclose(first.audio(), audio[0], atol=1e-4)
        np.testing.assert_allclose(second.audio(), audio[1], atol=1e-4)
        np.testing.assert_allclose(second.audio(10, 5), audio[1][10:15], atol=1e-4)
        assert len(second.audio(45, 100)) == 5
        assert first.audio().dtype == np.float32

    def test_order(self, data: Path) -> None:
        ids = [clip.row["id"] for clip in read_clips([data / "corpus" / "tones"])]
        assert ids == sorted(ids)

    def test_held_out_by_text(self, data: Path) -> None:
        folder = data / "corpus" / "tones"
        kept, others = read_clips([folder], held_out=True), read_clips([folder], held_out=False)
        assert len(kept) == 2
        assert len(others) == 18
        assert not {c.row["text"] for c in kept} & {c.row["text"] for c in others}

    def test_no_shards(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="no shards of audio"):
            read_clips([tmp_path])


class TestSampler:
    def test_crops(self, data: Path) -> None:
        sampler = AudioSampler({data / "corpus" / "tones": 1.0})
        assert len(sampler) == 18
        crops = sampler.crops(np.random.default_rng(0), 5, 4800)
        assert crops.shape == (5, 4800)
        assert crops.dtype == np.float32
        assert np.array_equal(crops, sampler.crops(np.random.default_rng(0), 5, 4800))

    def test_short_clips_are_followed_by_silence(self, tmp_path: Path, shard_writer: Callable[..., None]) -> None:
        shard_writer(tmp_path / "0000", [{"text": "a"}], [np.full(100, 0.5, np.float32)])
        row = AudioSampler({tmp_path: 1.0}).crops(np.random.default_rng(0), 1, 300)[0]
        assert (row[:100] > 0.4).all()
        assert not row[100:].any()

    def test_weights(self, tmp_path: Path, shard_writer: Callable[..., None]) -> None:
        for name in ("a", "b"):
            shard_writer(tmp_path / name / "0000", [{"text": name}], [np.zeros(10, np.float32)])
        sampler = AudioSampler({tmp_path / "a": 3.0, tmp_path / "b": 1.0})
        rng = np.random.default_rng(0)
        share = np.mean([sampler.clip(rng).row["text"] == "a" for _ in range(800)])
        assert share == pytest.approx(0.75, abs=0.05)

    def test_nothing_held_out(self, tmp_path: Path, shard_writer: Callable[..., None]) -> None:
        shard_writer(tmp_path / "0000", [{"text": "a"}], [np.zeros(10, np.float32)])
        assert not AudioSampler({tmp_path: 1.0}, held_out=True)


class TestTokens:
    def test_lengths(self, data: Path) -> None:
        """A clip of n semantic tokens has 2 n frames; what is left over at its end is cut."""
        audio = {c.row["id"]: c for c in read_clips([data / "corpus" / "tones"])}
        clips = read_tokens([data / "tokens" / "tones"], codes=True)
        assert len(clips) == 20
        for c in clips:
            assert c.codes is not None
            assert len(c.semantic) == len(c.characters) == audio[c.id].row["samples"] // 960
            assert c.codes.shape == (4, 2 * len(c.semantic))
            assert c.text == audio[c.id].row["text"]
            assert c.voice == audio[c.id].row["voice"]
            assert c.held_out == audio[c.id].held_out

    def test_they_are_what_the_models_say(self, data: Path, model_config: ModelConfig) -> None:
        """But for the last few, which see the silence that a batch puts after a clip."""
        torch.manual_seed(0)
        shape = from_mapping(SemanticTokenizerConfig, model_config.semantic_tokenizer, "test")
        tokenizer = SemanticTokenizer(shape).eval()
        codec = build_codec(model_config.codec).eval()
        audio = read_clips([data / "corpus" / "tones"])[3].audio()
        clip = read_tokens([data / "tokens" / "tones"], codes=True)[3]
        assert clip.codes is not None
        with torch.inference_mode():
            semantic = tokenizer.encode(torch.from_numpy(audio)[None])[0, : len(clip.semantic)].numpy()
            codes = codec.encode(torch.from_numpy(audio)[None])[0, :, : clip.codes.shape[1]].numpy()
        assert np.mean(semantic[:-4] == clip.semantic[:-4]) > 0.9  # the corpus is encoded in bf16
        assert np.mean(codes[:, :-6] == clip.codes[:, :-6]) > 0.7

    def test_characters(self, data: Path) -> None:
        for c in read_tokens([data / "tokens" / "tones"], codes=False):
            known = c.characters[c.characters >= 0]
            assert len(known) > len(c.semantic) / 2
            assert (np.diff(known) >= 0).all()
            assert known[-1] < len(c.text)
            assert c.codes is None

    def test_only_what_is_missing_is_made(self, data: Path, tmp_path: Path, model_config: ModelConfig) -> None:
        codec, corpus = build_codec(model_config.codec).eval(), data / "corpus" / "tones"
        tokenize_codes(corpus, tmp_path, codec, 960, max_shards=1)
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["0000.codes.npz"]
        before = (tmp_path / "0000.codes.npz").stat().st_mtime_ns
        tokenize_codes(corpus, tmp_path, codec, 960)
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["0000.codes.npz", "0001.codes.npz"]
        assert (tmp_path / "0000.codes.npz").stat().st_mtime_ns == before

    def test_a_shard_whose_clips_have_changed_is_made_again(
        self, data: Path, tmp_path: Path, model_config: ModelConfig
    ) -> None:
        """As when a judge has heard it since."""
        corpus, tokens = tmp_path / "corpus", tmp_path / "tokens"
        shutil.copytree(data / "corpus" / "tones", corpus)
        shape = from_mapping(SemanticTokenizerConfig, model_config.semantic_tokenizer, "test")
        tokenizer, codec = SemanticTokenizer(shape).eval(), build_codec(model_config.codec).eval()
        tokenize_semantic(corpus, tokens, tokenizer)
        tokenize_codes(corpus, tokens, codec, 960)
        rows = (corpus / "0000.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (corpus / "0000.jsonl").write_text("".join(rows[1:]), encoding="utf-8")
        (corpus / "0001.jsonl").write_text("", encoding="utf-8")
        tokenize_semantic(corpus, tokens, tokenizer)
        with pytest.raises(TrainingError, match="codes of other clips than 0000"):
            read_tokens([tokens], codes=True)
        tokenize_codes(corpus, tokens, codec, 960)
        assert [clip.id for clip in read_tokens([tokens], codes=True)] == [json.loads(row)["id"] for row in rows[1:]]

    def test_texts_are_as_the_model_reads_them(
        self, tmp_path: Path, shard_writer: Callable[..., None], model_config: ModelConfig
    ) -> None:
        rows = [
            {"text": "I have 2 of 3.", "phonemes": "a b c d e f.", "durations": [1] * 14, "language": "en"},
            {"text": "Ich habe 2.", "language": "de"},
        ]
        rows = [{"id": str(i), "voice": "v", "trim_start": 0, **row} for i, row in enumerate(rows)]
        corpus = tmp_path / "corpus"
        shard_writer(corpus / "0000", rows, [np.zeros(24_000, np.float32)] * 2)
        shape = from_mapping(SemanticTokenizerConfig, model_config.semantic_tokenizer, "test")
        tokenize_semantic(corpus, tmp_path / "tokens", SemanticTokenizer(shape).eval(), TextConfig(verbalize=True))
        first, second = read_tokens([tmp_path / "tokens"], codes=False)
        assert (first.text, first.language, second.language) == ("I have two of three.", "en", "de")
        assert len(rows[0]["text"]) <= first.characters.max() < len(first.text)

    def test_shards_without_codes_are_left_out(self, data: Path, tmp_path: Path, model_config: ModelConfig) -> None:
        shape = from_mapping(SemanticTokenizerConfig, model_config.semantic_tokenizer, "test")
        corpus = data / "corpus" / "tones"
        tokenize_semantic(corpus, tmp_path, SemanticTokenizer(shape).eval())
        with pytest.raises(TrainingError, match="no codes; run the recipe's step `tokenize` first"):
            read_tokens([tmp_path], codes=True)
        tokenize_codes(corpus, tmp_path, build_codec(model_config.codec).eval(), 960, max_shards=1)
        assert len(read_tokens([tmp_path], codes=True)) == 10
        assert len(read_tokens([tmp_path], codes=False)) == 20

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="no semantic tokens"):
            read_tokens([tmp_path], codes=False)


class TestPitch:
    def test_of_a_tone(self, tmp_path: Path, shard_writer: Callable[..., None]) -> None:
        pytest.importorskip("pyworld")
        time = np.arange(24_000) / 24_000
        voice = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 8)) / 4
        shard_writer(tmp_path / "0000", [{"text": "a", "id": "set/0"}], [voice.astype(np.float32)])
        clips = read_clips([tmp_path])
        (contour,) = cached_pitch(clips)
        assert len(contour) == 101
        assert np.exp(contour[20:80]) == pytest.approx(150, rel=0.02)
        assert (tmp_path / "0000.f0.npz").exists()
        assert np.array_equal(cached_pitch(clips)[0], contour)

    def test_kept_beside_the_shard(self, data: Path) -> None:
        contours = cached_pitch(read_clips([data / "corpus" / "tones"]))
        assert all((contour == 5).all() for contour in contours)

    def test_without_world(
        self, tmp_path: Path, shard_writer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyworld", None)
        shard_writer(tmp_path / "0000", [{"text": "a", "id": "set/0"}], [np.zeros(100, np.float32)])
        with pytest.raises(TrainingError, match="no pitch without pyworld: pip install pyworld"):
            cached_pitch(read_clips([tmp_path]))


def test_a_shard_can_be_read_as_the_docs_say(data: Path) -> None:
    """The format, spelled out once without the reader."""
    path = data / "corpus" / "tones" / "0000.jsonl"
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    samples = np.fromfile(path.with_suffix(".pcm"), "<i2")
    assert rows[-1]["offset"] + rows[-1]["samples"] == len(samples)
    assert all(len(row["durations"]) == len(row["phonemes"]) + 2 for row in rows)
