"""The judge's verdicts, and the clips that are kept by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.training.audio_corpus import read_clips
from recipes.pup import g2p, heard
from recipes.pup.corpus import CorpusSet, hours, read_rows, write_rows

PART = CorpusSet("hum", "hum", ("low", "high"), clips=4, seed=1, language="de", max_error=0.25)
SAID = ["eins zwei", "drei [en:four]", "acht", "nein"]
UNDERSTOOD = {"eins zwei": "Eins, zwei!", "drei four": "drei vier", "acht": "acht", "nein": "doch"}


class Ears:
    """A listener that knows clips by their length, and has heard every one of them."""

    def __init__(self) -> None:
        self.clips = self.glanced = 0

    def hear(self, audio: np.ndarray, sample_rate: int) -> str:
        assert sample_rate == 24_000
        self.clips += 1
        return UNDERSTOOD[g2p.plain(SAID[len(audio) // 1000 - 1])]

    def glances(self, audios: Sequence[np.ndarray], sample_rate: int) -> list[str]:
        assert sample_rate == 24_000
        self.glanced += len(audios)
        return ["eins zwei" if len(audio) == 1000 else "nichts nichts" for audio in audios]


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    listener = Ears()
    monkeypatch.setattr(heard, "listener", lambda _: listener)
    monkeypatch.setattr(g2p, "phonemes", lambda text, _: g2p.plain(text).lower())
    return listener


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A set of one shard of four clips, not heard yet."""
    folder = tmp_path / "corpus" / "hum"
    folder.mkdir(parents=True)
    rows, offset = [], 0
    for number, said in enumerate(SAID):
        place = {"offset": offset, "samples": 1000 * (number + 1), "voice": PART.voices[number % 2]}
        mark = {"said": said} if "[" in said else {}
        rows.append({"id": f"hum/{number}", "text": g2p.plain(said), **mark, "language": "de", **place})
        offset += 1000 * (number + 1)
    np.zeros(offset, "<i2").tofile(folder / "0000.pcm")
    write_rows(folder / "0000.spoken", rows)
    return tmp_path / "corpus"


class TestCheck:
    def test_only_what_was_understood(self, out: Path, ears: Ears) -> None:
        heard.check([PART], out)
        assert [clip.row["text"] for clip in read_clips([out / "hum"])] == ["eins zwei", "acht"]
        verdicts = read_rows(out / "hum" / "0000.heard")
        assert [(row["errors"], row["sounds"]) for row in verdicts] == [(0, 8), (3, 8), (0, 4), (4, 4)]
        assert verdicts[3]["heard"] == "doch"

    def test_nothing_is_heard_twice(self, out: Path, ears: Ears) -> None:
        heard.check([PART], out)
        times = (out / "hum" / "0000.jsonl").stat().st_mtime_ns
        heard.check([PART], out)
        assert (ears.glanced, ears.clips) == (4, 3)  # the first was understood at a glance
        assert (out / "hum" / "0000.jsonl").stat().st_mtime_ns == times

    def test_sifted_anew(self, out: Path, ears: Ears) -> None:
        heard.check([PART], out)
        heard.check([replace(PART, max_error=0.5)], out)
        assert (ears.glanced, ears.clips) == (4, 3)
        assert len(read_clips([out / "hum"])) == 3

    def test_without_a_judge(self, out: Path, ears: Ears) -> None:
        heard.check([replace(PART, max_error=None)], out)
        assert ears.clips == 0

    def test_voices(self, out: Path, ears: Ears) -> None:
        assert heard.voices([PART], out).count("\n") == 1
        heard.check([PART], out)
        assert heard.voices([PART], out).splitlines()[2:] == [
            "| hum | low | 2 | 0.000 | 100% |",
            "| hum | high | 2 | 0.583 | 0% |",
        ]

    def test_hours(self, out: Path, ears: Ears) -> None:
        rows = read_rows(out / "hum" / "0000.spoken")
        write_rows(out / "hum" / "0000.spoken", [{**row, "samples": row["samples"] * 24 * 360} for row in rows])
        assert hours([PART], out).endswith("| hum | de | 1.00 h | 0.00 h | 0.00 h |")
        write_rows(out / "hum" / "0000.heard", [{"errors": 0, "sounds": 1}] * 4)
        write_rows(out / "hum" / "0000.jsonl", read_rows(out / "hum" / "0000.spoken")[3:])
        assert hours([PART], out).endswith("| hum | de | 1.00 h | 1.00 h | 0.40 h |")


class TestSounds:
    def test_what_is_said_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(g2p, "phonemes", lambda text, _: text)
        assert heard.sounds("ˈaː, b↗ x̃.", "zh") == "ab↗x̃"
        assert heard.edits("ˈab c", "a bd", "de").errors == 1

    def test_hindi_in_urdus_letters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(g2p, "phonemes", lambda _, language: language)
        assert heard.sounds("نمستے", "hi") == "ur"
        assert heard.sounds("नमस्ते", "hi") == "hi"

    def test_numbers_and_scripts(self) -> None:
        pytest.importorskip("misaki.espeak")
        assert heard.edits("zwölf Häuser", "12 Häuser.", "de").errors == 0
        assert heard.edits("क्या हाल है", "کیا حال ہے", "hi").rate < 0.3

    @pytest.mark.filterwarnings("ignore:pkg_resources")
    def test_chinese_in_either_script(self) -> None:
        pytest.importorskip("jieba")
        pytest.importorskip("misaki.zh")
        assert heard.edits("我们买东西。", "我們買東西", "zh").errors == 0
        assert heard.edits("买东西", "卖东西", "zh").errors == 1
