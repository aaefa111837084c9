"""A voice from a recording: the tokens, what is kept beside them, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bark.audio.bandwidth import bandwidth
from bark.audio.equalizer import FREQUENCIES, Equalizer
from bark.audio.resample import resample
from bark.audio.samples import Audio
from bark.errors import AudioError, BarkWarning, CheckpointError, OptionError, VoiceError
from bark.pipeline import Bark
from bark.voices import Consent, Voice, create_voice, reader
from tests.voices.speech import RATE, babble

CONSENT = Consent("Ann Example", "2026-01-31T12:00:00+00:00")


@pytest.fixture(scope="module")
def listener(hearing: Path) -> Bark:
    return Bark(hearing, device="cpu")


def one_speaker(audio: Audio, sample_rate: int) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[0]


def by_pitch(audio: Audio, sample_rate: int) -> np.ndarray:
    """High voices and low ones lie in other directions."""
    spectrum = np.abs(np.fft.rfft(audio))
    hertz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    return np.eye(4, dtype=np.float32)[int(hertz[spectrum.argmax()] > 180)]


def made(bark: Bark, audio: Audio, rate: int = RATE, **more: Any) -> Voice:
    given = {"name": "ann", "consent": CONSENT, "embed": one_speaker, **more}
    return create_voice(audio, rate, bark.parts, **given)


def test_it_is_a_voice_of_the_model(listener: Bark) -> None:
    voice = made(listener, babble())
    assert voice.name == "ann"
    layout, space = listener.config.coarse_layout, listener.config.tokens
    seconds = max(24 / space.semantic_rate, layout.max_history / 2 / space.frame_rate, 12 / space.frame_rate)
    assert len(voice.semantic) == int(seconds * space.semantic_rate)
    assert voice.fine.shape == (8, 2 * len(voice.semantic))
    np.testing.assert_array_equal(voice.coarse, voice.fine[:2])
    assert listener.generate("Hello", voice, seed=1).audio.size


def test_tokens_are_of_the_best_seconds(listener: Bark) -> None:
    voice = made(listener, babble())
    with listener.parts.codec() as codec, torch.inference_mode():
        loud = codec.decode(torch.tensor(voice.fine)[None])
    assert loud.shape[1] == len(voice.semantic) * RATE / 25
    again = made(listener, 0.1 * babble())  # the loudness is set
    np.testing.assert_array_equal(again.semantic, voice.semantic)


def test_other_rates(listener: Bark) -> None:
    low = resample(babble(), RATE, 16_000)
    assert made(listener, low, 16_000).fine.shape == made(listener, babble()).fine.shape
    for rate in (0, 4000, 1_000_000):
        with pytest.raises(OptionError, match=f"not {rate}"):
            made(listener, low, rate)


def test_consent_and_digest_are_kept(listener: Bark, tmp_path: Path) -> None:
    audio = babble()
    voice = made(listener, audio)
    voice.save(tmp_path / "ann.npz")
    about = Voice.from_npz(tmp_path / "ann.npz").about
    assert about == {
        **CONSENT.about(),
        "recording_sha256": hashlib.sha256(audio.tobytes()).hexdigest(),
        "model": "tiny",
    }
    assert made(listener, audio, sha256="ab" * 32).about["recording_sha256"] == "ab" * 32


def test_the_manner_is_of_the_models_reader(listener: Bark) -> None:
    manner = reader(listener.parts)
    assert manner is not None and manner.name == "v2/en_speaker_0"
    assert made(listener, babble(), manner=manner).about["manner"] == "v2/en_speaker_0"
    german = reader(listener.parts, "de")
    assert german is not None and german.name == "v2/de_speaker_0"
    other = reader(listener.parts, "tr")
    assert other is not None and other.name == "v2/de_speaker_0"
    voice = made(listener, babble(), manner=manner)
    np.testing.assert_array_equal(voice.reading, manner.semantic)
    assert len(voice.semantic) != len(manner.semantic)
    request = listener.request("Hello", voice)
    with listener.parts.semantic() as stage:
        written = list(
            stage.generate(
                np.array(request.ids),
                manner.semantic,
                options=request.options.semantic,
                min_eos_p=request.options.min_eos_p,
                generator=request.generator("semantic", stage.model.device),
            )
        )
    spoken = listener.generate("Hello", voice, seed=request.seed)
    assert spoken.tokens.semantic.tolist() == written


def test_a_model_without_presets_has_no_reader(hearing: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hearing, tmp_path / "mute", ignore=shutil.ignore_patterns("voices")))
    assert reader(Bark(folder, device="cpu").parts) is None


def test_two_speakers(listener: Bark) -> None:
    both = np.concatenate([babble(5.0, 100.0), babble(5.0, 300.0)])
    with pytest.raises(AudioError, match="more than one speaker"):
        made(listener, both, embed=by_pitch)
    made(listener, babble(), embed=by_pitch)


def test_who_checked_nothing_says_so(listener: Bark) -> None:
    with pytest.warns(BarkWarning, match="nobody checked that one person alone is heard"):
        made(listener, babble(), embed=None)


@pytest.mark.parametrize("name", ["", " ", "a b", "../up", "a/b", ".hidden", "-x", "x" * 65, "a\n", "con:1"])
def test_what_is_no_name(listener: Bark, name: str) -> None:
    with pytest.raises(VoiceError, match="can't be called"):
        made(listener, babble(), name=name)


@pytest.mark.parametrize("name", ["ann", "Zoë", "ann-2", "en_ann.1", "声", "7"])
def test_names(listener: Bark, name: str) -> None:
    assert made(listener, babble(), name=name).name == name


def test_what_is_no_recording(listener: Bark) -> None:
    with pytest.raises(AudioError, match="too short"):
        made(listener, babble(2.0))
    with pytest.raises(AudioError, match="one row of floats"):
        made(listener, np.zeros((2, RATE), np.float32))
    with pytest.raises(AudioError, match="finite"):
        made(listener, np.full(RATE, np.nan, np.float32))
    with pytest.raises(AudioError, match="10 minutes are enough"):
        made(listener, np.zeros(601 * 8000, np.float32), 8000)


def test_a_model_that_hears_nothing(bark: Bark) -> None:
    with pytest.raises(CheckpointError, match="tiny has nothing that makes semantic tokens of a recording"):
        made(bark, babble())


def test_its_tone_is_the_recordings(listener: Bark) -> None:
    recording = babble()
    plain, heard = made(listener, recording), []
    bent = (3 * np.sin(np.arange(len(FREQUENCIES)) / 4)).astype(np.float32)

    def rehearse(voice: Voice) -> Audio:
        heard.append(voice)
        return Equalizer(bent, RATE).push(recording)

    voice = made(listener, recording, rehearse=rehearse)
    assert heard[0].equalizer is None and plain.equalizer is None
    np.testing.assert_array_equal(heard[0].fine, plain.fine)
    np.testing.assert_array_equal(voice.fine, plain.fine)
    assert voice.about == plain.about
    straight = made(listener, recording, rehearse=lambda voice: recording).equalizer
    assert voice.equalizer is not None and straight is not None
    recorded = 0.7 * bandwidth(recording, RATE) > FREQUENCIES
    assert recorded.sum() > 20
    assert np.corrcoef((straight - voice.equalizer)[recorded], bent[recorded])[0, 1] > 0.9


def test_of_a_model_that_says_nothing_no_tone_is_known(listener: Bark) -> None:
    with pytest.warns(BarkWarning, match="the voice has no equalizer: of silence there is no spectrum"):
        voice = made(listener, babble(), rehearse=lambda voice: np.zeros(RATE, np.float32))
    assert voice.equalizer is None


def test_the_same_recording_gives_the_same_voice(listener: Bark) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = made(listener, babble()), made(listener, babble())
    np.testing.assert_array_equal(one.fine, two.fine)
