"""The judge of tags: it learns sounds that are easily told apart, and its figures are counted right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from bark.codec.base import Codec
from bark.errors import BarkError
from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE
from recipes.pup import tag_detector
from recipes.pup.tag_detector import DetectorTask, TagDetector
from tests.training.tones import write_shard

UNITS = {"a": 16, "①": 10, "③": 10}  # durations


class Passing:
    """A codec that changes nothing."""

    def encode(self, audio: torch.Tensor) -> torch.Tensor:
        return audio

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        return codes


def sound(phoneme: str, rng: np.random.Generator) -> np.ndarray:
    """A tone for speech, a higher one that trembles for laughter, noise for a gasp."""
    times = np.arange(UNITS[phoneme] * DURATION_UNIT) / SAMPLE_RATE
    if phoneme == "③":
        return rng.normal(0, 0.1, len(times))
    tone = np.sin(2 * np.pi * (200 if phoneme == "a" else 1500) * times)
    return 0.2 * tone * (1 if phoneme == "a" else np.sign(np.sin(2 * np.pi * 8 * times)) + 1)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("work"), np.random.default_rng(0)
    for name, lines in (("tagged", ("a①", "①a", "③a", "a③")), ("plain", ("a", "aa"))):
        rows, audios = [], []
        for n in range(60):
            phonemes = lines[n % len(lines)]
            tags = {"①": "[laughs]", "③": "[gasps]", "a": f"ah{n}"}
            rows.append(
                {
                    "id": f"{name}/{n}",
                    "text": " ".join(tags[p] for p in phonemes),
                    "voice": "v",
                    "phonemes": phonemes,
                    "durations": [0, *(UNITS[p] for p in phonemes), 0],
                    "trim_start": 0,
                }
            )
            audios.append(np.concatenate([sound(p, rng) for p in phonemes]).astype(np.float32))
        write_shard(folder / "corpus" / name / "0000", rows, audios)
    return folder


def test_what_a_text_asks_for() -> None:
    assert tag_detector.kinds_of("Oh, [laughs] no [gasps]") == {"laughter", "gasp"}
    assert tag_detector.kinds_of("[laughter]") == tag_detector.kinds_of("[laughs]")
    assert tag_detector.kinds_of("♪ la ♪ [MAN]") == set()


def test_it_learns_which_sound_is_where(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_detector, "TagDetector", partial(TagDetector, width=32, blocks=2))
    monkeypatch.setattr(tag_detector, "DetectorTask", partial(DetectorTask, batch=12, seconds=1))
    codec: Codec = Passing()  # type: ignore[assignment]
    with pytest.raises(BarkError, match=r"run `python -m recipes.pup.tag_detector` first"):
        tag_detector.load(work)
    found = tag_detector.train(work, codec, 150, "tagged", "plain")
    for counts in found.values():
        assert counts["any"]["asked"] > 2 and counts["any"]["others"] > 2
        for name in ("laughter", "gasp", "any"):
            assert counts[name]["found"] == counts[name]["asked"]
            assert counts[name]["false"] == 0
        assert counts["music"]["asked"] == 0
    detector, rng = tag_detector.load(work), np.random.default_rng(7)
    line = np.concatenate([sound("a", rng), sound("③", rng)]).astype(np.float32)
    assert detector.heard(line) == {"gasp"}
    odds = detector(torch.from_numpy(line)[None])[0].softmax(-1)
    assert len(odds) == -(-len(line) // tag_detector.STEP)
    gasp = 1 + list(tag_detector.KINDS.values()).index("gasp")
    middle = len(odds) * UNITS["a"] // (UNITS["a"] + UNITS["③"])
    assert odds[middle + 3 :, gasp].mean() > 0.8 > 0.2 > odds[: middle - 3, gasp].mean()


def test_the_shortest_audio_has_a_verdict() -> None:
    detector = TagDetector(width=16, blocks=1).eval()
    assert set(detector.sureness(np.zeros(1, np.float32))) == set(tag_detector.KINDS.values())
    assert all(0 <= sure <= 1 for sure in detector.sureness(np.zeros(0, np.float32)).values())


def test_figures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = iter([{"laughter", "sigh"}, {"laughter"}, set(), {"music"}])
    monkeypatch.setattr(TagDetector, "heard", lambda self, audio: next(heard))
    texts = ["[laughs] a", "[laughs] [sighs] b", "c", "d"]
    found = tag_detector.held_to(TagDetector(width=16, blocks=1), texts, [np.zeros(1, np.float32)] * 4)
    assert found["laughter"] == {"asked": 2, "found": 2, "others": 2, "false": 0}
    assert found["sigh"] == {"asked": 1, "found": 0, "others": 3, "false": 1}
    assert found["any"] == {"asked": 2, "found": 1, "others": 2, "false": 1}
    table = tag_detector.to_markdown({"teacher": found})
    assert "| teacher | sigh | 1 | 0% | 3 | 33.3% |" in table
