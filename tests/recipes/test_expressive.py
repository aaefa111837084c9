"""Laughs, songs and stress, made from a stand-in for the teacher: a buzz with a pitch and pauses."""

from __future__ import annotations

import shutil
from itertools import pairwise

import numpy as np
import pytest

from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE, Spoken
from recipes.pup import music, retune, singing, sounds
from recipes.pup.expressive import TAGS, ExpressiveTeacher, tagged_sentences, written

pytest.importorskip("pyworld", reason="pyworld isn't installed")

PITCH = 140.0
VOWELS = set("aeiouɑəʌ")


class Buzzing:
    """Says a letter a phoneme: vowels are a pulse train, all else a soft hiss."""

    voices = ("one",)

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        return self.speak(text.lower(), voice, speed)

    def speak(self, phonemes: str, voice: str, speed: float) -> Spoken | None:
        if not phonemes:
            return None
        durations = [4, *(8 if p in VOWELS else 3 for p in phonemes), 4]
        rng = np.random.default_rng(0)
        audio = rng.normal(0, 0.003, sum(durations) * DURATION_UNIT)
        buzz = np.zeros(len(audio))
        buzz[:: round(SAMPLE_RATE / PITCH)] = 1.0
        buzz = np.convolve(buzz, np.exp(-np.arange(400) / 40) * np.sin(np.arange(400) * 0.18), "same")
        at = 4 * DURATION_UNIT
        for phoneme, units in zip(phonemes, durations[1:], strict=False):
            if phoneme in VOWELS:
                audio[at : at + units * DURATION_UNIT] += 0.5 * buzz[at : at + units * DURATION_UNIT]
            at += units * DURATION_UNIT
        return Spoken(audio.astype(np.float32), phonemes, durations)


@pytest.fixture(scope="module")
def teacher() -> ExpressiveTeacher:
    return ExpressiveTeacher(Buzzing())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def timbre() -> sounds.Timbre:
    return sounds.timbre(Buzzing(), "one")  # type: ignore[arg-type]


def fits(spoken: Spoken) -> bool:
    """Whether phonemes, durations and audio belong together."""
    return (
        len(spoken.durations) == len(spoken.phonemes) + 2
        and sum(spoken.durations) * DURATION_UNIT == len(spoken.audio)
        and bool(np.isfinite(spoken.audio).all())
        and float(np.abs(spoken.audio).max()) <= 1
    )


def test_a_line_is_taken_apart() -> None:
    line = written("Oh, [laughs] that is SO funny [clears throat]")
    assert line.said == "Oh, that is so funny"
    assert line.tags == ((1, "[laughs]"), (5, "[clears throat]"))
    assert (line.loud, line.sung) == ({3}, False)
    assert written("♪ la la ♪").sung


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "[music]"])
@pytest.mark.parametrize("where", ["{} come at one", "come {} at one", "come at one {}"])
def test_a_tag_is_heard_where_it_stands(tag: str, where: str, teacher: ExpressiveTeacher) -> None:
    text = where.format(tag)
    spoken, plain = teacher.say(text, "one", 1.0, 3), teacher.say("come at one", "one", 1.0, 3)
    assert spoken is not None
    assert plain is not None
    assert fits(spoken)
    assert len(spoken.phonemes.split()) == len(text.split())
    added = (len(spoken.audio) - len(plain.audio)) / SAMPLE_RATE
    assert 0.4 < added < 2.6
    first = spoken.phonemes.index(TAGS[tag])
    start = sum(spoken.durations[: first + 1]) * DURATION_UNIT
    sound = spoken.audio[start : start + spoken.durations[first + 1] * DURATION_UNIT]
    assert np.sqrt((sound**2).mean()) > 0.01


def test_the_same_seed_laughs_the_same(teacher: ExpressiveTeacher) -> None:
    one, two, other = (teacher.say("ha [laughs] no", "one", 1.0, seed) for seed in (1, 1, 2))
    assert one is not None
    assert two is not None
    assert other is not None
    assert np.array_equal(one.audio, two.audio)
    assert len(one.audio) != len(other.audio) or not np.array_equal(one.audio, other.audio)


def test_laughter_is_calls_far_above_speech(timbre: sounds.Timbre) -> None:
    import pyworld

    assert timbre.pitch == pytest.approx(PITCH, rel=0.03)
    audio = sounds.laugh(timbre, np.random.default_rng(5)).astype(np.float64)
    pitch, _ = pyworld.harvest(audio, SAMPLE_RATE, f0_floor=100, f0_ceil=600)
    assert np.median(pitch[pitch > 0]) > 1.3 * PITCH
    loud = np.convolve(np.abs(audio), np.ones(480) / 480, "same") > 0.35 * np.abs(audio).mean() * 2
    assert np.diff(loud.astype(int)).clip(0).sum() >= 3


def test_a_gasp_grows_and_a_sigh_dies_away(timbre: sounds.Timbre) -> None:
    rng = np.random.default_rng(1)
    gasp, sigh = sounds.gasp(timbre, rng), sounds.sigh(timbre, rng)
    gasp = gasp[np.abs(gasp) > 0]
    for audio, grows in ((gasp, True), (sigh, False)):
        half = len(audio) // 2
        later, sooner = (audio[half:] ** 2).sum(), (audio[:half] ** 2).sum()
        assert (later > sooner) == grows


def test_song_holds_notes(teacher: ExpressiveTeacher) -> None:
    import pyworld

    text = "♪ home at one ♪"
    spoken = teacher.say(text, "one", 1.0, 0)
    assert spoken is not None
    assert fits(spoken)
    assert spoken.phonemes.split() == text.split()
    pitch, _ = pyworld.harvest(spoken.audio.astype(np.float64), SAMPLE_RATE, f0_floor=80, f0_ceil=600)
    steps = 12 * np.log2(pitch[pitch > 0] / 440)
    near = np.abs(steps - steps.round())
    assert np.median(near) < 0.3  # a speaker glides past the notes of a piano, a singer stays on them
    assert len(spoken.audio) > 1.3 * len(Buzzing().say("home at one", "one", 1, 0).audio)  # type: ignore[union-attr]


def test_a_melody_comes_home() -> None:
    notes = singing.melody(9, PITCH, np.random.default_rng(2))
    steps = 12 * np.log2(notes / notes[-1])
    assert np.allclose(steps, steps.round())
    assert steps.min() >= 0
    assert len(set(steps.round())) > 2
    assert all(abs(b - a) <= 12 for a, b in pairwise(steps))


def test_capitals_are_higher_louder_and_slower(teacher: ExpressiveTeacher) -> None:
    plain, loud = (teacher.say(text, "one", 1.0, 0) for text in ("come at one", "come AT one"))
    assert plain is not None
    assert loud is not None
    assert fits(loud)
    assert loud.phonemes == plain.phonemes
    speech = retune.analysed(loud)
    place = loud.phonemes.index("a") + 1
    stressed, other = speech.pitch[speech.owner == place], speech.pitch[speech.owner == loud.phonemes.index("o") + 1]
    assert np.median(stressed[stressed > 0]) > 1.15 * np.median(other[other > 0])
    assert loud.durations[place] > plain.durations[place]


def test_what_can_not_be_said(teacher: ExpressiveTeacher) -> None:
    assert teacher.say("[laughs]", "one", 1.0, 0) is None
    assert teacher.say("♪ hm ♪", "one", 1.0, 0) is None  # no vowel to hold


def test_lines_for_a_corpus() -> None:
    plain = ["The boat left before dawn, and nobody waved.", "We met in 1999 at the fair.", "Come home with me now."]
    made = tagged_sentences(["[sighs] Fine."], plain, 120, seed=1)
    assert len(made) == 120
    assert "[sighs] Fine." in made
    assert made == tagged_sentences(["[sighs] Fine."], plain, 120, seed=1)
    assert not any("1999" in line for line in made)
    assert {tag for line in made for tag in TAGS if tag in line} == set(TAGS)
    assert any(line.startswith("♪") for line in made)
    assert any(written(line).loud for line in made)


@pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not music.SOUNDFONT.exists(), reason="FluidSynth isn't installed"
)
def test_music() -> None:
    audio = music.music(np.random.default_rng(3), 2.0)
    assert len(audio) == 2 * SAMPLE_RATE
    assert 0.03 < np.sqrt((audio**2).mean()) < 0.1
    assert np.abs(audio[-100:]).max() < 0.01
    spectrum = np.abs(np.fft.rfft(audio[: SAMPLE_RATE // 2])) ** 2
    assert np.sort(spectrum)[-60:].sum() > 0.5 * spectrum.sum()  # tones, not noise
