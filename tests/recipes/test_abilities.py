"""What is measured of a checkpoint's abilities, with the bundled model and judges that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from bark import Bark
from recipes.pup import abilities
from recipes.pup.abilities import Audio

SENTENCES = ["The boat left at dawn.", "Nobody saw it again."]


@pytest.fixture(scope="module")
def pup() -> Bark:
    return Bark("pup", "cpu")


class Ear:
    """Hears English, whatever is said."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def languages(self, audio: Audio, sample_rate: int, among: list[str]) -> dict[str, float]:
        self.lengths.append(len(audio))
        return {language: float(language == "en") for language in among}


class Same:
    """Finds every voice the same, and says what it was asked about."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def embed(self, audio: Audio, sample_rate: int) -> np.ndarray:
        self.lengths.append(len(audio))
        return np.array([0.6, 0.8], np.float32)


@pytest.mark.parametrize(("hertz", "kind"), [(110.0, "MAN"), (220.0, "WOMAN")])
def test_people_are_told_by_their_pitch(monkeypatch: pytest.MonkeyPatch, pup: Bark, hertz: float, kind: str) -> None:
    pytest.importorskip("pyworld")
    times = np.arange(24_000) / 24_000
    voice = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 8)).astype(np.float32) / 4
    prompts = []

    def generate(text: str, seed: int) -> object:
        prompts.append((text, seed))
        return type("Said", (), {"audio": voice, "sample_rate": 24_000})

    monkeypatch.setattr(pup, "generate", generate)
    found = list(abilities.people(pup, SENTENCES, count=12, seed=5))
    assert all(abs(each.pitch - hertz) < 3 for each in found)
    assert [each.right for each in found] == [each.prompt.strip("[").startswith(kind) for each in found]
    assert [seed for _, seed in prompts] == list(range(5, 17))
    assert prompts[0][0] == "[MAN] The boat left at dawn." and prompts[7][0] == "WOMAN: Nobody saw it again."
    assert prompts[8][0] == prompts[0][0]


def test_silence_is_nobody() -> None:
    pytest.importorskip("pyworld")
    assert abilities.pitch_of(np.zeros(24_000, np.float32), 24_000) == 0


def test_parts_of_a_prompt_are_cut_out_and_heard(monkeypatch: pytest.MonkeyPatch, pup: Bark) -> None:
    first, second = ("en", "The boat left the harbour at dawn."), ("de", "Niemand sah es je wieder.")
    monkeypatch.setattr(abilities, "PROMPTS", ((first, second), (("fr", "Bonjour."), first)))
    ear = Ear()
    found = list(abilities.switching(pup, ear, ["en", "de"], ["v2/en_speaker_0"]))
    assert [(each.language, each.text) for each in found] == [first, second], "nobody asked for French"
    assert {each.heard for each in found} == {"en"}
    assert [each.probability for each in found] == [1, 0]
    assert len(ear.lengths) == 2 and ear.lengths[0] > 0


def test_parts_share_the_audio(pup: Bark) -> None:
    prompt = (("en", "The boat left the harbour at dawn,"), ("en", "and nobody saw it again."))
    said = pup.generate(" ".join(text for _, text in prompt), "v2/en_speaker_0", seed=1)
    first, second = abilities.cut(pup, said.utterances, prompt)
    assert 0.6 * len(said.audio) < len(first) + len(second) <= len(said.audio)
    assert len(first) > len(second) > 12_000


def test_a_voice_is_made_of_a_recording(pup: Bark) -> None:
    recording = pup.generate(" ".join(SENTENCES * 2), "v2/en_speaker_1", seed=3).audio
    judge = Same()
    found = list(abilities.cloning(pup, judge, {"stranger": recording}, SENTENCES))
    assert [(each.speaker, each.likeness) for each in found] == [("stranger", pytest.approx([1, 1]))]
    assert judge.lengths[-3] == len(recording), "the recording is what sentences are held against"


class Counting:
    """A detector that hears a laugh in whatever is longer than it has heard yet."""

    def __init__(self) -> None:
        self.longest = 0

    def heard(self, audio: Audio) -> set[str]:
        longer, self.longest = len(audio) > self.longest, max(len(audio), self.longest)
        return {"laughter"} if longer else set()


def test_lines_with_tags_and_without(monkeypatch: pytest.MonkeyPatch, pup: Bark) -> None:
    asked = []

    def generate(text: str, voice: str, seed: int) -> object:
        asked.append((text, voice, seed))
        return type("Said", (), {"audio": np.zeros(12_000 + len(asked), np.float32), "sample_rate": 12_000})

    monkeypatch.setattr(pup, "generate", generate)
    found = list(abilities.tags(pup, Counting(), SENTENCES, ["one", "two"], count=12))  # type: ignore[arg-type]
    assert [each.prompt for each in found] == [text for text, _, _ in asked]
    assert [each.prompt for each in found[1::2]] == SENTENCES * 6
    for tag, with_tag, plain in zip(list(abilities.TAGS) * 2, found[::2], found[1::2], strict=True):
        assert with_tag.prompt.count(tag) == 1
        assert " ".join(with_tag.prompt.replace(tag, "").split()) == plain.prompt
    assert asked[2] == (found[2].prompt, "two", 1) and asked[3] == (found[3].prompt, "two", 1)
    assert all(each.heard == ["laughter"] for each in found)


def test_notes_are_held_and_speech_is_not() -> None:
    pytest.importorskip("pyworld")

    def voice(hertz: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * np.cumsum(hertz) / 24_000
        return (sum(np.sin(k * phase) / k for k in range(1, 8)) / 4).astype(np.float32)

    times = np.arange(48_000) / 24_000
    held, spread = abilities.notes(voice(np.repeat([147.0, 196.0, 165.0, 220.0], 12_000)), 24_000)
    assert held > 0.9 and 2 < spread < 4
    gliding = 150 * 2 ** (0.3 * np.sin(2 * np.pi * 1.5 * times))
    assert abilities.notes(voice(gliding), 24_000)[0] < 0.5
    flat = abilities.notes(voice(np.full(48_000, 150.0)), 24_000)
    assert flat[0] > 0.9 and flat[1] < 0.2
    assert abilities.notes(np.zeros(24_000, np.float32), 24_000) == (0, 0)
    assert abilities.notes(np.zeros(10, np.float32), 24_000) == (0, 0)


def test_short_lines_are_said_and_sung(monkeypatch: pytest.MonkeyPatch, pup: Bark) -> None:
    pytest.importorskip("pyworld")
    quiet = np.zeros(2400, np.float32)
    monkeypatch.setattr(
        pup, "generate", lambda text, voice, seed: type("Said", (), {"audio": quiet, "sample_rate": 24_000})
    )

    class Teacher:
        voices = ("one",)

        def say(self, text: str, voice: str, speed: float, seed: int) -> object | None:
            return type("Spoken", (), {"audio": quiet}) if text.startswith("♪") else None

    long = "Nobody who has ever been there could say that he saw it."
    found = list(abilities.song(pup, Teacher(), [long, *SENTENCES], ["v"], count=5))  # type: ignore[arg-type]
    assert [(each.prompt, each.singer, each.sung) for each in found[:3]] == [
        (SENTENCES[0], "pup", False),
        ("♪ The boat left at dawn ♪", "pup", True),
        ("♪ The boat left at dawn ♪", "teacher", True),
    ]
    assert len(found) == 6


def test_the_table_counts() -> None:
    found = {
        "tags": [
            {"prompt": "[laughs] a", "heard": ["laughter"]},
            {"prompt": "a", "heard": []},
            {"prompt": "[laughs] b", "heard": ["gasp"]},
            {"prompt": "b", "heard": ["gasp"]},
        ],
        "song": [
            {"prompt": "A b.", "singer": "pup", "sung": False, "held": 0.2, "spread": 2.0},
            {"prompt": "♪ A b ♪", "singer": "pup", "sung": True, "held": 0.8, "spread": 4.0},
        ],
        "people": [
            {"prompt": "[MAN] a", "pitch": 100.0, "right": True},
            {"prompt": "MAN: a", "pitch": 200.0, "right": False},
            {"prompt": "WOMAN: a", "pitch": 200.0, "right": True},
        ],
        "switching": [
            {"language": "de", "text": "a", "heard": "de", "probability": 0.9},
            {"language": "de", "text": "a", "heard": "en", "probability": 0.1},
        ],
        "cloning": [{"speaker": "stranger", "seconds": 10.0, "likeness": [0.7, 0.8]}],
    }
    text = abilities.to_markdown(found)
    assert "| [MAN] | 1 | 2 | 105, 150, 195 Hz |" in text and "| [WOMAN] | 1 | 1 | 200, 200, 200 Hz |" in text
    assert "| de beside another language | 1 | 2 | en |" in text
    assert "| stranger from 10 s, 0.75 or more | 1 | 2 | 0.750 |" in text
    assert "| [laughs] heard | 1 | 2 | |" in text and "| nothing asked for, nothing heard | 1 | 2 | gasp |" in text
    assert "| steadier sung than said, pup | 1 | 1 | held 20% said, 80% sung; spread 2.0, 4.0 semitones |" in text
