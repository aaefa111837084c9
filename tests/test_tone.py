"""A voice's equalizer is heard whichever way it speaks, and stays with what is made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark import api
from bark.audio.equalizer import FREQUENCIES, Equalizer
from bark.audio.samples import Audio
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.project.kept import digest_of
from bark.rehearsal import TEXTS, Rehearsal
from bark.voices import Voice
from tests.conftest import tiny_voice

TEXT = "Hello there."
GAINS = (8 * np.sin(np.arange(len(FREQUENCIES)) / 5)).astype(np.float32)


@pytest.fixture
def toned(voice: Voice) -> Voice:
    return replace(voice, equalizer=GAINS)


@pytest.fixture(scope="module")
def exact(checkpoint: Path) -> Bark:
    return Bark(checkpoint, "cpu", "float32")


def expected(bark: Bark, voice: Voice, text: str = TEXT, seed: int = 1) -> Audio:
    """What the voice without it says, through it."""
    plain = bark.generate(text, replace(voice, equalizer=None), seed=seed)
    assert len(plain.utterances) == 1
    return Equalizer(GAINS, bark.sample_rate).push(plain.audio).clip(-1, 1)


def test_alone_and_in_pieces(exact: Bark, toned: Voice) -> None:
    wanted = expected(exact, toned)
    heard = exact.generate(TEXT, toned, seed=1).audio
    np.testing.assert_allclose(heard, wanted, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate(list(exact.stream(TEXT, toned, seed=1))), heard)
    assert np.abs(heard - exact.generate(TEXT, replace(toned, equalizer=None), seed=1).audio).max() > 1e-3


def test_in_company(exact: Bark, toned: Voice) -> None:
    plain = tiny_voice("plain", 5)
    heard = exact.generate_batch([TEXT, TEXT], [plain, toned], seed=0)
    np.testing.assert_allclose(heard[0].audio, exact.generate(TEXT, plain, seed=0).audio, atol=1e-5)
    np.testing.assert_allclose(heard[1].audio, expected(exact, toned), atol=1e-5)


def test_what_it_has_said_has_its_tone(exact: Bark, toned: Voice) -> None:
    said = exact.generate(TEXT, toned, seed=1)
    np.testing.assert_array_equal(said.to_voice().equalizer, GAINS)
    assert exact.generate(TEXT, seed=1).to_voice().equalizer is None


def test_through_the_originals_functions(
    checkpoint: Path, toned: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    toned.save(tmp_path / "toned.npz")
    semantic = np.arange(40) % 60
    heard = []
    for voice in (str(tmp_path / "toned.npz"), replace(toned, equalizer=None)):
        import torch

        torch.manual_seed(3)
        heard.append(api.semantic_to_waveform(semantic, voice, silent=True, output_full=True))
    (full, audio), (plain_full, plain) = heard
    np.testing.assert_allclose(audio, Equalizer(GAINS, 24_000).push(plain).clip(-1, 1), atol=1e-5)
    np.testing.assert_array_equal(full["equalizer"], GAINS)
    assert set(plain_full) == {"semantic_prompt", "coarse_prompt", "fine_prompt"}
    api.save_as_prompt(tmp_path / "full.npz", full)
    np.testing.assert_array_equal(Voice.from_npz(tmp_path / "full.npz").equalizer, GAINS)


def test_a_project_knows_it_by_its_tone(toned: Voice) -> None:
    plain = replace(toned, equalizer=None)
    assert digest_of(plain) == digest_of(replace(plain, name="other"))
    assert len({digest_of(plain), digest_of(toned), digest_of(replace(toned, equalizer=GAINS / 2))}) == 3


def test_a_rehearsal_is_the_same_each_time(exact: Bark, toned: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXTS, "en", TEXT)
    one, other = Rehearsal(exact)(toned), Rehearsal(exact, "en")(toned)
    np.testing.assert_array_equal(one, other)
    assert len(one) > exact.sample_rate
    options = GenerateOptions(seed=0, best_of=1, retries=0)
    np.testing.assert_array_equal(
        Rehearsal(exact, "xx")(toned), exact.generate(TEXTS["en"], toned, options=options).audio
    )


@pytest.mark.parametrize("language", TEXTS)
def test_rehearsals_are_in_the_language(language: str) -> None:
    from bark.text.language import language_of_text

    assert language_of_text(TEXTS[language]) == language
