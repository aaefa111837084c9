"""Presets are the candidates that the judges like best, in the speaker's own tokens or revoiced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bark import Bark
from bark.errors import OptionError
from bark.evaluation.judging import Clip, Judgement
from bark.evaluation.metrics import Edits
from bark.training.tokenized import TokenClip
from recipes.pup import presets
from recipes.pup.presets import Presets

SETS = {"en": ["said"], "de": ["gesagt", "mehr"]}
WANTED = {"sets": ["said"], "seconds": [1.0, 2.0], "candidates": 3}


def clips(bark: Bark) -> list[TokenClip]:
    """Six clips of the reader and four of the other, and of each one that is too long."""
    space, rng = bark.config.tokens, np.random.default_rng(0)
    made = []
    for voice, number in (("reader", 7), ("other", 5)):
        for i in range(number):
            length = round(space.semantic_rate * (5.0 if i == 1 else 1.5))
            frames = round(length / space.semantic_rate * space.frame_rate)
            codes = rng.integers(space.codebook_size, size=(space.n_codebooks, frames))
            semantic = rng.integers(space.semantic_vocab, size=length)
            made.append(TokenClip(f"{voice}{i}", f"{voice} {i}", voice, False, semantic, semantic, codes))
    return made


class Judges:
    """Mishear what they are told to, and hear in every clip its speaker, some more than others."""

    def __init__(self) -> None:
        self.heard: list[Clip] = []
        self.errors: dict[str, int] = {}
        self.unlike: set[str] = set()
        self.languages: list[str] = []
        self.folders: list[str] = []

    def hearing(self, language: str) -> Judges:
        """Those of another language."""
        self.languages.append(language)
        return self

    def read(self, folders: Sequence[Path]) -> None:
        """Takes note of the sets."""
        self.folders += [str(folder) for folder in folders]

    def __call__(self, heard: Sequence[Clip], panel: Any) -> list[Judgement]:
        self.heard += heard
        return [self._judged(clip) for clip in heard]

    def _judged(self, clip: Clip) -> Judgement:
        voice = np.array([0.0, 1.0] if clip.text in self.unlike else [1.0, 0.1], np.float32)
        return Judgement(
            clip,
            clip.text[: -self.errors.get(clip.text, 0) or None],
            Edits(self.errors.get(clip.text, 0), 2),
            None,
            voice,
            None,
        )


@pytest.fixture
def judges(bark: Bark, monkeypatch: pytest.MonkeyPatch) -> Judges:
    made = Judges()
    said = clips(bark)
    rows = [SimpleNamespace(row={"id": c.id, "text": c.text}, audio=lambda: np.zeros(2400, np.float32)) for c in said]
    monkeypatch.setattr(presets, "read_tokens", lambda folders, codes: made.read(folders) or said)
    monkeypatch.setattr(presets, "read_clips", lambda folders: rows)
    monkeypatch.setattr(presets, "judge", made)
    monkeypatch.setattr(presets.Panel, "load", lambda judges: made)
    return made


def maker(bark: Bark, **more: Any) -> Presets:
    return Presets({**WANTED, **more}, Path("work"), bark)


def test_a_clip_of_the_speaker(bark: Bark, judges: Judges) -> None:
    judges.errors = {"other 0": 1}
    judges.unlike = {"other 2"}
    voice = maker(bark).make("v2/en_speaker_7", "other", 1)
    wanted = next(clip for clip in clips(bark) if clip.id == "other3")
    assert voice.name == "v2/en_speaker_7"
    assert np.array_equal(voice.semantic, wanted.semantic)
    assert np.array_equal(voice.fine, wanted.codes)
    assert np.array_equal(voice.coarse, wanted.codes[: bark.config.tokens.n_coarse])
    assert [clip.text for clip in judges.heard] == ["other 0", "other 2", "other 3"]


def test_the_reader_is_not_revoiced(bark: Bark, judges: Judges) -> None:
    voice = maker(bark, reader="reader").make("v2/en_speaker_0", "reader", 0)
    assert np.array_equal(voice.semantic, clips(bark)[0].semantic)
    assert len(judges.heard) == 3


def test_others_say_a_clip_of_the_reader(bark: Bark, judges: Judges) -> None:
    judges.errors = {"reader 4": 1, "reader 5": 0, "reader 6": 2}
    voice = maker(bark, reader="reader").make("v2/en_speaker_1", "other", 1)
    said = next(clip for clip in clips(bark) if clip.id == "reader5")
    assert np.array_equal(voice.semantic, said.semantic)
    assert voice.fine.shape == said.codes.shape
    assert not np.array_equal(voice.fine, said.codes)
    assert np.array_equal(voice.coarse, voice.fine[: bark.config.tokens.n_coarse])
    assert [clip.text for clip in judges.heard[3:]] == ["reader 4", "reader 5", "reader 6"]
    assert all(np.abs(clip.audio).max() > 0 for clip in judges.heard[3:])
    assert np.array_equal(maker(bark, reader="reader").make("v2/en_speaker_1", "other", 1).fine, voice.fine)


class TestOfOtherLanguages:
    """Words mean little there: sounds are compared, here letters."""

    @pytest.fixture(autouse=True)
    def _letters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(presets, "edits", lambda said, heard, code: Edits(len(said) - len(heard), len(said)))

    def test_the_judge_hears_its_language(self, bark: Bark, judges: Judges) -> None:
        judges.errors = {"other 0": 1, "other 2": 2}
        make = maker(bark, sets=SETS).make
        voices = [make(f"v2/{name}", "other", 0) for name in ("en_speaker_0", "de_speaker_0", "de_speaker_1")]
        assert judges.languages == ["de"]
        assert judges.folders == ["work/tokens/said", "work/tokens/gesagt", "work/tokens/mehr"]
        assert [voice.name for voice in voices[1:]] == ["v2/de_speaker_0", "v2/de_speaker_1"]
        assert np.array_equal(voices[0].semantic, clips(bark)[10].semantic)

    def test_presets_of_one_speaker_are_of_clips_of_their_own(self, bark: Bark, judges: Judges) -> None:
        make = maker(bark, sets={"de": ["gesagt"]}).make
        voices = [make(f"v2/de_speaker_{number}", "other", number) for number in range(4)]
        assert len({voice.semantic.tobytes() for voice in voices}) == 4

    def test_a_reader_of_english_reads_nothing_else(self, bark: Bark, judges: Judges) -> None:
        made = maker(bark, sets=SETS, reader="reader").make("v2/de_speaker_0", "other", 0)
        assert any(np.array_equal(made.semantic, clip.semantic) for clip in clips(bark) if clip.voice == "other")
        made = maker(bark, sets=SETS, reader={"de": "reader"}).make("v2/de_speaker_0", "other", 0)
        assert any(np.array_equal(made.semantic, clip.semantic) for clip in clips(bark) if clip.voice == "reader")

    def test_no_sets(self, bark: Bark, judges: Judges) -> None:
        with pytest.raises(OptionError, match="no sets for the preset v2/fr_speaker_0, only in en, de"):
            maker(bark, sets=SETS).make("v2/fr_speaker_0", "other", 0)


def test_too_few_clips(bark: Bark, judges: Judges) -> None:
    with pytest.raises(OptionError, match=r"said: too few clips of reader of \[1.0, 2.0\] seconds"):
        maker(bark, reader="reader").make("v2/en_speaker_9", "other", 9)
