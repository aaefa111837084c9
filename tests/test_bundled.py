"""The model that is in the package, where there is one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bark import generation
from bark.checkpoints.native import NativeCheckpoint
from bark.errors import OptionError
from bark.options import GenerateOptions, SamplingOptions
from bark.pipeline import Bark
from bark.voices import VoiceLibrary

MEGABYTES = 64  # all of it, in the wheel
VOICE = "v2/en_speaker_0"
GOLDEN_VOICES = ("v2/en_speaker_0", "v2/en_speaker_3")
LINE = "The boat left the harbour at dawn."
SHORT = "Nobody knew."
GOLDEN = Path(__file__).parent / "golden" / "pup.json"
SENTENCES = Path(__file__).parent.parent / "recipes" / "pup" / "texts" / "en.txt"
SURE = SamplingOptions(temperature=0)
LIKELIEST = GenerateOptions(semantic=SURE, coarse=SURE, fine=SURE, seed=0)


@pytest.fixture(scope="module")
def pup(bundled: Path) -> Bark:
    return Bark("pup", device="cpu")


def test_it_is_small_and_whole(bundled: Path) -> None:
    assert sum(path.stat().st_size for path in bundled.rglob("*")) <= MEGABYTES * 2**20
    assert (bundled / "MODEL_CARD.md").is_file()
    checkpoint = NativeCheckpoint(bundled)
    for part in (checkpoint.semantic, checkpoint.coarse, checkpoint.fine, checkpoint.codec, checkpoint.text_tokenizer):
        assert part() is not None


def test_every_voice_suits_it(bundled: Path) -> None:
    library = VoiceLibrary(bundled / "voices", NativeCheckpoint(bundled).config.tokens)
    assert "v2/en_speaker_0" in library.names()
    for name in library.names():
        library.load(name)


def test_it_speaks_for_as_long_as_the_words_take(pup: Bark) -> None:
    speech = pup.generate(LINE, voice="v2/en_speaker_0", seed=1)
    assert 1.0 < speech.duration < 6.0
    assert 0.005 < np.sqrt(np.mean(speech.audio**2)) < 0.5
    assert np.abs(speech.audio).max() <= 1


def test_the_same_seed_says_the_same(pup: Bark) -> None:
    """Here, here again, and in a process of its own; another seed says it otherwise."""
    first, again, other = (pup.generate(SHORT, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.audio, again.audio)
    assert not np.array_equal(first.audio, other.audio)
    speak = f"Bark('pup', 'cpu').generate({SHORT!r}, seed=5).audio"
    code = f"import sys; from bark import Bark; sys.stdout.buffer.write({speak})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=120)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.float32), first.audio)


def test_windows_of_ones_own(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own begin small and grow; those that somebody asks for are all as asked."""
    monkeypatch.setenv("BARK_MODEL", "pup")
    semantic = np.arange(160) % 1000
    shapes = {
        generation.generate_coarse(semantic, history_prompt=VOICE, silent=True, **windows).shape
        for windows in ({}, {"sliding_window_len": 60}, {"max_coarse_history": 200}, {"max_coarse_history": 320})
    }
    assert shapes == {(2, 160)}
    with pytest.raises(OptionError, match="a multiple of 2 up to 160, with a history of 320, not 256"):
        generation.generate_coarse(semantic, sliding_window_len=256)
    generation.clean_models()
    with pytest.raises(OptionError, match="wide coarse windows don't fit pup"):
        Bark("pup", "cpu", coarse_windows="wide")


@pytest.mark.slow
def test_streams_are_what_is_made_at_once(pup: Bark) -> None:
    """Sample for sample: one to three sentences that somebody might want, in any voice and none."""
    chosen = random.Random(11)
    sentences = SENTENCES.read_text(encoding="utf-8").splitlines()
    for seed in range(50):
        text = " ".join(chosen.sample(sentences, chosen.randint(1, 3)))
        voice = chosen.choice([None, *pup.voices.names()])
        pieces = list(pup.stream(text, voice, seed=seed))
        np.testing.assert_array_equal(np.concatenate(pieces), pup.generate(text, voice, seed=seed).audio, text)


@pytest.fixture(scope="module")
def exact(bundled: Path) -> Bark:
    return Bark("pup", "cpu", "float32")


def test_rows_of_a_batch_are_as_alone(exact: Bark) -> None:
    lines = [SHORT, "It rained.", "Who goes there?"]
    voices = ["v2/en_speaker_0", None, "v2/en_speaker_3"]
    for made, line, voice, seed in zip(
        exact.generate_batch(lines, voices, seed=3), lines, voices, (3, 4, 5), strict=True
    ):
        alone = exact.generate(line, voice, seed=seed)
        np.testing.assert_array_equal(made.tokens.fine, alone.tokens.fine)
        np.testing.assert_array_equal(made.audio, alone.audio)


@pytest.mark.parametrize("voice", GOLDEN_VOICES)
def test_golden_tokens(exact: Bark, voice: str) -> None:
    """The likeliest tokens of every stage, which only a change of weights or of arithmetic may change.

    Written by `python tests/golden/make.py`.
    """
    golden = json.loads(GOLDEN.read_text())[voice]
    tokens = exact.generate(LINE, voice, options=LIKELIEST).tokens
    assert tokens.semantic.tolist() == golden["semantic"]
    assert tokens.fine.tolist() == golden["fine"]
