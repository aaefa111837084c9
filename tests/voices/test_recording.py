"""What of a recording is taken for a voice, and which ones are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bark.audio.samples import Audio
from bark.errors import AudioError
from bark.voices.recording import BREATH, SHORTEST, Recording
from tests.voices.speech import RATE, babble

Change = Callable[[Audio], Audio]


def noise(count: int, level: float, seed: int = 1) -> Audio:
    return (level * np.random.default_rng(seed).normal(size=count)).astype(np.float32)


def chords() -> Audio:
    time = np.arange(RATE // 2) / RATE
    each = [
        sum(np.sin(2 * np.pi * k * root * step * time) / k for step in (1, 1.26, 1.5) for k in range(1, 6))
        * np.exp(-time)
        for root in (130, 147, 165, 196, 220, 262) * 3
    ]
    return (0.05 * np.concatenate(each)).astype(np.float32)


def test_speech_passes() -> None:
    for level in (0.02, 0.3, 0.99):
        Recording.of(babble(level=level), RATE).check()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a[:0], "too quiet"),
        (lambda a: 0 * a, "too quiet"),
        (lambda a: 0.001 * a, "too quiet: it is at -"),
        (lambda a: a[: 2 * RATE], r"too short: 1\.\d seconds of speech in 2\.0; 3 are needed"),
        (lambda a: np.concatenate([a[: 2 * RATE], 0 * a]), "too short"),
        (lambda a: a.clip(-0.08, 0.08), r"clipped: \d+\.\d% of its samples"),
        (lambda a: a + noise(len(a), 0.03), r"too noisy: speech is \d+ dB above"),
        (lambda a: noise(len(a), 0.1), "no speech, but music or noise"),
        (lambda a: chords(), "no speech"),
        (lambda a: noise(len(a), 0.3) * np.abs(a), "hardly anything in it has a pitch"),
    ],
    ids=[
        "nothing",
        "silence",
        "quiet",
        "short",
        "silent for the most part",
        "clipped",
        "noisy",
        "hiss",
        "music",
        "whisper",
    ],
)
def test_others_are_refused_in_a_sentence(change: Change, reason: str) -> None:
    with pytest.raises(AudioError, match=f"^the recording .*{reason}"):
        Recording.of(change(babble()), RATE).check()


def test_seconds_are_of_speech() -> None:
    audio = babble(8.0)
    assert 0.5 * 8 < Recording.of(audio, RATE).seconds < 0.85 * 8
    padded = np.concatenate([np.zeros(5 * RATE, np.float32), audio])
    assert Recording.of(padded, RATE).seconds == pytest.approx(Recording.of(audio, RATE).seconds, abs=0.1)


def test_pauses_are_shortened() -> None:
    found = Recording.of(np.concatenate([babble(4.0), np.zeros(3 * RATE, np.float32), babble(4.0)]), RATE)
    tight = found.tight()
    assert tight.seconds == found.seconds
    silent = np.diff(np.flatnonzero(tight.speech)) - 1
    assert silent.max() * 0.01 <= BREATH + 0.01
    assert len(tight.audio) == len(tight.speech) * RATE // 100 == len(tight.levels) * RATE // 100


def test_the_best_stretch_ends_in_a_pause_and_is_full_of_speech() -> None:
    faint = 0.1 * babble(4.0)
    found = Recording.of(np.concatenate([faint, babble(6.0), faint]), RATE)
    best = found.stretch(3.0)
    assert len(best) == 3 * RATE
    assert np.abs(best).max() > 0.25  # not of the faint parts
    assert np.abs(best[-RATE // 20 :]).max() < 0.01


def test_a_stretch_is_no_longer_than_the_recording() -> None:
    audio = babble(4.0)
    assert SHORTEST * RATE <= len(Recording.of(audio, RATE).stretch(60.0)) <= len(audio)


def test_pieces_are_of_speech_alone() -> None:
    found = Recording.of(babble(8.0), RATE)
    pieces = found.pieces(1.0)
    assert len(pieces) == int(found.seconds)
    assert {len(piece) for piece in pieces} == {RATE}
