"""The codec's table: its measures, its clips, its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from bark.codec import build_codec
from bark.codec.pup import PupCodec
from bark.evaluation.files import Audio
from bark.evaluation.judging import Clip
from bark.evaluation.metrics import Edits
from recipes.pup import codec_clips, codec_speed, codec_table, fidelity
from recipes.pup.codec_report import Outcome, markdown, mean_interval, row_figures
from recipes.pup.pictures import sheet

RATE = 24_000


def chirp(seconds: float = 1.0) -> Audio:
    """A rising tone."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * (200 + 800 * time) * time)).astype(np.float32)


@pytest.fixture(scope="module")
def codec() -> PupCodec:
    """A small one that has learned nothing."""
    torch.manual_seed(0)
    shape = {"encoder_width": 16, "encoder_blocks": [1, 1], "width": 32, "decoder_blocks": [1, 1], "codebook_size": 64}
    made = build_codec({"kind": "pup", "n_mels": 20, **shape})
    assert isinstance(made, PupCodec)
    return made.eval()


def outcome(system: str, mos: float, kbps: float | None = 4.0, errors: int = 0) -> Outcome:
    """What might be said of a clip of four words."""
    return Outcome("voices", system, kbps, "anna", "one", Edits(errors, 4), Edits(errors, 4), mos, None, 0.9, pesq=2.5)


class TestFidelity:
    def test_the_same(self) -> None:
        assert fidelity.mel_distance(chirp(), chirp(), RATE) == 0

    def test_half_as_loud(self) -> None:
        noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
        assert fidelity.mel_distance(noise, noise / 2, RATE) == pytest.approx(6.02, abs=0.05)

    def test_too_short_is_followed_by_silence(self) -> None:
        near = fidelity.mel_distance(chirp(), chirp()[: RATE - 240], RATE)
        assert 0 < near < fidelity.mel_distance(chirp(), chirp()[: RATE // 2], RATE)

    def test_stoi_and_pesq(self) -> None:
        pytest.importorskip("pystoi")
        pytest.importorskip("pesq")
        rng = np.random.default_rng(0)
        speech = (chirp(2.0) * (1 + np.sin(np.arange(2 * RATE) / 2000))).astype(np.float32)
        spoiled = speech + rng.normal(0, 0.3, len(speech)).astype(np.float32)
        assert fidelity.stoi(speech, speech, RATE) == pytest.approx(1, abs=1e-3)
        assert fidelity.stoi(speech, spoiled, RATE) < 0.9
        silence = np.zeros_like(speech)
        assert fidelity.pesq(silence, silence, RATE) is None

    def test_opus(self) -> None:
        pytest.importorskip("av")
        audio, bits = fidelity.opus(chirp(), 24)
        assert len(audio) == RATE
        assert 15_000 < bits < 35_000
        assert np.corrcoef(audio[2000:-2000], chirp()[2000:-2000])[0, 1] > 0.9


class TestCodes:
    def test_use(self, codec: PupCodec) -> None:
        codes = torch.zeros(1, 8, 64, dtype=torch.long)
        codes[0, 0] = torch.arange(64)
        first, second, *_ = codec_speed.book_use(codec, [codes])
        assert (first.used, second.used) == (1.0, 1 / 64)
        assert (first.perplexity, second.perplexity) == pytest.approx((64.0, 1.0))

    def test_pieces_are_the_whole(self, codec: PupCodec) -> None:
        codes = codec_speed.encoded(codec, chirp())
        assert codes.shape == (1, 8, 50)
        assert codec_speed.stream_difference(codec, [codes, codes[:, :2]]) < 1e-4

    def test_timings(self, codec: PupCodec, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(codec_speed, "REPEATS", 1)
        before = torch.get_num_threads()
        (found,) = codec_speed.timings(codec, codec_speed.encoded(codec, chirp()), threads=(1,))
        assert found.threads == 1 and found.whole > 0 and found.streamed > 0
        assert torch.get_num_threads() == before


class TestClips:
    def test_recordings(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "en_anna.wav", chirp(0.5)[::2], RATE // 2)
        soundfile.write(tmp_path / "ru_boris.wav", chirp(0.5), RATE)
        (tmp_path / "en_anna.txt").write_text("one two\n")
        first, second = codec_clips._recordings(tmp_path)
        assert (first.language, first.clip.voice, first.clip.text) == ("en", "anna", "one two")
        assert (second.language, second.clip.text) == ("ru", "")
        assert len(first.clip.audio) == pytest.approx(RATE // 2, abs=2) and first.clip.sample_rate == RATE

    def test_spread(self) -> None:
        samples = [codec_clips.Sample(Clip(chirp(0.1), str(i))) for i in range(10)]
        assert [s.clip.text for s in codec_clips._spread(samples, 5)] == ["0", "2", "4", "6", "8"]
        assert codec_clips._spread(samples, 20) == samples

    def test_another_of_the_same_voice(self) -> None:
        samples = [codec_clips.Sample(Clip(chirp(0.1), str(i), voice)) for i, voice in enumerate("abac")]
        assert [codec_table._other(samples, i).clip.text for i in range(4)] == ["2", "1", "0", "3"]


class TestReport:
    outcomes = (
        [outcome("input", mos, None) for mos in (4.0, 4.4)] + [outcome("8 books", mos, errors=1) for mos in (3.5, 4.3)]
    )  # fmt: skip

    def test_figures(self) -> None:
        before, after = row_figures(self.outcomes)
        assert before["mos_loss"] == 0 and after["mos_loss"] == pytest.approx(0.3)
        assert after["wer"] == 0.25 and after["changed_interval"] == (0.25, 0.25)
        assert after["pesq"] == 2.5 and after["stoi"] is None

    def test_interval(self) -> None:
        low, high = mean_interval(np.arange(100.0))
        assert low < 49.5 < high and high - low == pytest.approx(4 * 2.89, rel=0.15)

    def test_page(self) -> None:
        book = {"used": 0.999, "perplexity": 700.0}
        about = {
            "model": "pup",
            "machine": {"processor": "slow"},
            "load": [1.0],
            "speed": [{"threads": 1, "whole": 50.4, "streamed": 40.2}],
            "stream_difference": 2e-7,
            "frames": 100,
            "books": [book, book],
        }
        page = markdown(self.outcomes, about)
        assert "## Voices, 2 clips" in page
        assert "| 8 books | 4 | 2.50 | 3.90 | 0.30 (" in page
        assert "| entries used, % | 99.9 | 99.9 |" in page
        assert "| 1 | 50 | 40 |" in page and "2.0e-07" in page

    def test_sheet(self, tmp_path: Path) -> None:
        clips = [Clip(chirp(0.2), "one", "anna"), Clip(chirp(0.3), "two", "boris")]
        sheet({"input": clips, "8 books": clips}, tmp_path / "sheet.png")
        assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
