"""Times of words: from those of text tokens, and estimated where no head tells them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from bark.captions import cues, words_of
from bark.captions.sound import Sound
from bark.captions.words import SPACE, heard, of_tokens, shares_of
from bark.checkpoints.native import NativeCheckpoint
from bark.parts import Parts
from bark.result import Tokens
from bark.text.words import word_spans
from bark.voices import Voice

TEXT = "The boat left the harbour at dawn."
RATE = 24_000


@dataclass
class Said:
    """An utterance."""

    tokens: Tokens
    audio: np.ndarray
    voice: Voice | None = None
    text: str = TEXT
    sample_rate: int = RATE
    start: float = 0.0
    speaker: str | None = None


def said(steps: int = 50, seed: int = 0, **more: object) -> Said:
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, 0.2, steps * 960).astype(np.float32).clip(-1, 1)
    none = np.zeros((2, 0), np.int64)
    return Said(Tokens(rng.integers(64, size=steps), none, none), audio, **more)  # type: ignore[arg-type]


@pytest.fixture
def parts(checkpoint: Path) -> Parts:
    """A model that says nothing of where it looks."""
    return Parts(NativeCheckpoint(checkpoint), torch.device("cpu"), torch.float32)


@pytest.fixture
def knowing(parts: Parts) -> Parts:
    """The same, with heads that are said to look at what is spoken."""
    parts.config = replace(parts.config, alignment_heads=((0, 0), (1, 1)))
    return parts


def in_order(times: np.ndarray) -> bool:
    edges = times.reshape(-1).tolist()
    return edges == sorted(edges)


class TestOfTokens:
    def test_pieces_of_a_word_are_joined_and_the_space_is_no_sound(self) -> None:
        text = "Big, boats"
        pieces = [(0, 3), (3, 4), (4, 6), (6, 10)]
        times = np.array([[0.0, 0.4], [0.4, 0.6], [0.6, 0.8], [0.8, 1.2]])
        found = of_tokens(text, word_spans(text), pieces, times)
        assert found.tolist() == [[0.0, 0.4], [0.6 + SPACE, 1.2]]

    def test_a_short_word_is_no_shorter_for_the_space(self) -> None:
        found = of_tokens("it is", word_spans("it is"), [(0, 2), (2, 5)], np.array([[0.0, 0.4], [0.4, 0.44]]))
        assert np.allclose(found, [[0.0, 0.4], [0.42, 0.44]])

    def test_words_without_tokens_come_last(self) -> None:
        found = of_tokens("a b c", word_spans("a b c"), [(0, 1)], np.array([[0.1, 0.5]]))
        assert found.tolist() == [[0.1, 0.5], [0.5, 0.5], [0.5, 0.5]]

    def test_bytes_of_one_character(self) -> None:
        found = of_tokens("ж", [(0, 1)], [(0, 1), (0, 1)], np.array([[0.0, 0.1], [0.1, 0.2]]))
        assert found.tolist() == [[0.0, 0.2]]


def test_words_never_overlap() -> None:
    sound = Sound(np.ones(RATE, np.float32), RATE)
    found = heard(np.array([[0.0, 0.5], [0.4, 0.3], [0.2, 0.9]]), sound)
    assert in_order(found)


def test_shares_follow_what_is_expected() -> None:
    shares = shares_of(["a", "marvellous", "[laughs]"])
    assert shares[0] == 0 and shares[-1] == 1
    lengths = [b - a for a, b in pairwise(shares)]
    assert lengths[0] < lengths[1] < lengths[2]
    assert shares_of([]).tolist() == [0.0]


class TestWordsOf:
    def test_told_by_heads(self, knowing: Parts, voice: Voice) -> None:
        for utterance in (said(), said(voice=voice)):
            cue = words_of(knowing, utterance)
            assert cue.exact
            assert [word.text for word in cue.words] == TEXT.split()
            assert in_order(np.array([[word.start, word.end] for word in cue.words]))
            assert cue.start <= cue.words[0].start and cue.words[-1].end <= cue.end <= 2.0

    def test_estimated(self, parts: Parts) -> None:
        silence = np.zeros(RATE, np.float32)
        utterance = said()
        utterance.audio = np.concatenate([silence, utterance.audio, silence])
        cue = words_of(parts, utterance)
        assert not cue.exact
        assert [word.text for word in cue.words] == TEXT.split()
        assert in_order(np.array([[word.start, word.end] for word in cue.words]))
        assert cue.words[0].start == pytest.approx(1.0, abs=0.02)
        assert cue.words[-1].end == pytest.approx(3.0, abs=0.02)
        assert "semantic" not in parts._loaded  # nothing is loaded in vain

    def test_a_text_longer_than_the_model_reads(self, knowing: Parts) -> None:
        text = " ".join(["boat"] * 80)
        cue = words_of(knowing, said(text=text))
        assert len(cue.words) == 80
        assert in_order(np.array([[word.start, word.end] for word in cue.words]))

    @pytest.mark.parametrize("text", ["♪ ♪", "..."])
    def test_no_words(self, text: str, knowing: Parts) -> None:
        assert words_of(knowing, said(text=text)).words == ()

    def test_nothing_heard(self, knowing: Parts) -> None:
        silent = said(steps=0)
        assert len(words_of(knowing, silent).words) == 7
        assert list(cues(knowing, [silent])) == []

    def test_cues_have_their_places(self, knowing: Parts) -> None:
        first, second = cues(knowing, [said(speaker="Ann"), said(seed=1, start=10.0)])
        assert (first.speaker, second.speaker) == ("Ann", None)
        assert 10.0 <= second.start <= second.words[0].start
        assert second.words[-1].end <= second.end <= 12.0
