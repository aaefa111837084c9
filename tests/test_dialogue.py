"""Scripts spoken on the tiny model: who has which voice, and when they speak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bark.audio.pitch import median_pitch
from bark.casting import kind_of, kind_of_voice, presets
from bark.errors import BarkWarning, OptionError, TextError, VoiceError
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.text.script import parse_script
from bark.voices import Voice, VoiceLibrary

PLAY = """\
ANN: Hello there.
BOB: I like pizza. My name is Suno.
...
ANN: The boat left.
"""
OPTIONS = GenerateOptions(seed=5, retries=0)


def test_each_speaker_has_a_voice_and_keeps_it(bark: Bark) -> None:
    lines = bark.plan_dialogue(PLAY, options=OPTIONS)
    assert [line.speaker for line in lines] == ["ANN", *["BOB"] * (len(lines) - 2), "ANN"]
    voices = {line.speaker: {each.voice.name for each in lines if each.speaker == line.speaker} for line in lines}  # type: ignore[union-attr]
    assert voices == {"ANN": {"v2/en_speaker_0"}, "BOB": {"v2/en_speaker_1"}}
    assert [line.text for line in bark.plan_dialogue(PLAY, options=OPTIONS)] == [line.text for line in lines]
    assert len({line.seed for line in lines}) == len(lines)
    assert lines[0].seed == 5
    assert (lines[0].pause, lines[-1].pause) == (0.4, 0.0)


def test_the_header_and_the_caller_cast(bark: Bark, voice: Voice) -> None:
    header = "---\ncast:\n  ann: {voice: v2/de_speaker_0, seed: 9, temperature: 0.25}\n  BOB:\npause: 1\n---\n"
    lines = bark.plan_dialogue(header + PLAY, {"bob": voice}, OPTIONS)
    ann, bob = lines[0], lines[1]
    assert (ann.speaker, ann.voice.name, ann.seed, ann.pause) == ("ann", "v2/de_speaker_0", 9, 1.0)  # type: ignore[union-attr]
    assert ann.options is not None and bob.options is not None
    assert (ann.options.semantic.temperature, bob.options.semantic.temperature) == (0.25, 0.7)
    assert bob.voice is voice
    assert bark.plan_dialogue(header + PLAY, {"Ann": voice}, OPTIONS)[0].voice is voice


def test_nobody_speaks_for_a_while(bark: Bark) -> None:
    lines = bark.plan_dialogue("ANN: Hello.\nBOB: ...\nANN: I like it.", options=OPTIONS)
    assert [(line.text, line.pause) for line in lines] == [("Hello.", 0.8), ("I like it.", 0.0)]


def test_the_whole_and_its_stems(bark: Bark) -> None:
    whole = bark.dialogue(PLAY, seed=5)
    assert [each.speaker for each in whole.utterances] == [line.speaker for line in bark.plan_dialogue(PLAY)]
    assert whole.text == "Hello there. I like pizza. My name is Suno. ... The boat left."
    stems = whole.stems()
    assert list(stems) == ["ANN", "BOB"]
    assert all(len(stem) == len(whole.audio) for stem in stems.values())
    assert np.array_equal(stems["ANN"] + stems["BOB"], whole.audio)
    first = whole.utterances[0]
    assert np.array_equal(stems["ANN"][: len(first.audio)], first.audio)
    assert not stems["BOB"][: len(first.audio)].any()


def test_a_model_without_voices_keeps_what_it_chose(bark: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VoiceLibrary, "names", lambda self: [])
    whole = bark.dialogue("ANN: Hello.\nMAN: Hi.\nANN: I like it.", seed=5)
    first, man, again = whole.utterances
    assert first.voice is None and man.voice is None
    assert man.text == "Hi."
    assert again.voice is not None
    assert np.array_equal(again.voice.semantic, first.tokens.semantic)


def test_suno_without_voices_is_told_who_speaks(bark: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VoiceLibrary, "names", lambda self: [])
    monkeypatch.setattr("bark.dialogue.SUNO", bark.config.tokens)
    lines = bark.plan_dialogue("MAN: Hi.\nWOMAN 2: Ho.\nANN: Ho.", options=OPTIONS)
    assert [line.text for line in lines] == ["[MAN] Hi.", "[WOMAN] Ho.", "Ho."]


@pytest.mark.parametrize(
    ("header", "error", "sentence"),
    [
        ("cast: {ANN: v2/en_speaker_7}", VoiceError, "there is no voice 'v2/en_speaker_7'; did you mean"),
        ("cast: {ANN: {seed: -1}}", OptionError, "seed must be a whole number"),
        ("cast: {ANN: {temperature: 1000}}", OptionError, "temperature must be a number"),
        ("cast: [", TextError, "not YAML"),
    ],
)
def test_a_bad_cast(header: str, error: type[Exception], sentence: str, bark: Bark) -> None:
    with pytest.raises(error, match=sentence):
        bark.dialogue(f"---\n{header}\n---\nANN: Hi.")


def test_who_has_nothing_to_say(bark: Bark) -> None:
    with pytest.warns(BarkWarning, match="BOBB of the cast has nothing to say; there speak ANN, BOB"):
        bark.plan_dialogue(PLAY, {"BOBB": "v2/en_speaker_0"})


def test_more_speakers_than_voices(bark: Bark) -> None:
    with pytest.warns(BarkWarning, match="4 speakers are more than the model has voices for: 1 have one that"):
        lines = bark.plan_dialogue("A: One.\nB: Two.\nC: Three.\nD: Four.", {"A": "v2/de_speaker_0"})
    names = [line.voice.name for line in lines]  # type: ignore[union-attr]
    assert names == ["v2/de_speaker_0", "v2/en_speaker_0", "v2/en_speaker_1", "v2/en_speaker_0"]


def test_men_and_women_have_voices_of_their_pitch(bark: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(parts: object, voice: Voice) -> str:
        return "MAN" if voice.name.endswith("1") else "WOMAN"

    monkeypatch.setattr("bark.casting.kind_of_voice", kind)
    with pytest.warns(BarkWarning, match="5 speakers are more"):
        lines = bark.plan_dialogue("ANN: I.\nMAN: Am.\nWOMAN: Here.\nBOB: Too.\nMAN 2: Too.", options=OPTIONS)
    names = {line.speaker: line.voice.name for line in lines}  # type: ignore[union-attr]
    assert names["MAN"] == "v2/en_speaker_1"
    assert names["WOMAN"] == "v2/en_speaker_0"


@pytest.mark.parametrize(
    ("name", "kind"), [("MAN", "MAN"), ("Woman 2", "WOMAN"), ("MAN_1", "MAN"), ("MANDY", None), ("A MAN", None)]
)
def test_kinds(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_presets_of_a_language() -> None:
    names = ["announcer", "de_speaker_0", "en_speaker_0", "v2/en_speaker_10", "v2/en_speaker_2"]
    assert presets(names, "en") == ["v2/en_speaker_2", "v2/en_speaker_10"]
    assert presets(names, "de") == ["de_speaker_0"]
    assert presets(["b", "a"], "en") == ["a", "b"]


@pytest.mark.parametrize("pitch", [70.0, 110.0, 220.0, 380.0])
def test_pitch(pitch: float) -> None:
    time = np.arange(24_000) / 24_000
    tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8)).astype(np.float32) / 4  # type: ignore[union-attr]
    found = median_pitch(tone, 24_000)
    assert found == pytest.approx(pitch, rel=0.02)


def test_what_has_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    assert median_pitch(noise, 24_000) is None
    assert median_pitch(np.zeros(24_000, np.float32), 24_000) is None
    assert median_pitch(noise[:10], 24_000) is None


def test_voices_of_pup(bundled: Path) -> None:
    bark = Bark(bundled, device="cpu")
    kinds = [kind_of_voice(bark.parts, bark.voices.load(f"v2/en_speaker_{n}")) for n in (0, 1)]
    assert kinds == ["WOMAN", "MAN"]


def test_a_script_that_is_read_already(bark: Bark) -> None:
    script = parse_script(PLAY)
    assert [a.text for a in bark.plan_dialogue(script)] == [b.text for b in bark.plan_dialogue(PLAY)]
