"""Speech for the codec to be judged on: voices that it has learned from, others, other languages, and people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bark.evaluation.files import read_audio, resample
from bark.evaluation.judging import Clip
from bark.evaluation.synthesis import Line, load, speak
from bark.evaluation.systems import Synthesizer, SystemSpec, TeacherSynthesizer
from bark.evaluation.teachers import SAMPLE_RATE, KokoroTeacher
from recipes.pup import texts
from recipes.pup.corpus import Polyglot

TRAINED = ("af_heart", "am_michael", "af_bella", "am_fenrir", "af_sarah", "am_puck")
UNHEARD = (
    "bf_isabella", "bm_daniel", "af_nova", "am_adam", "jf_alpha", "if_sara", "im_nicola", "ff_siwis",
    "em_alex", "pf_dora", "hm_omega", "zf_xiaoxiao",
)  # fmt: skip
LANGUAGES = {
    "de": "if_sara", "es": "ef_dora", "fr": "ff_siwis", "hi": "hm_omega", "it": "im_nicola", "ja": "jf_alpha",
    "ko": "ef_dora", "pl": "im_nicola", "pt": "pm_alex", "ru": "im_nicola", "tr": "if_sara", "zh": "zm_yunjian",
}  # fmt: skip
LATER = 16  # the sentence that the voices never heard begin with


@dataclass(frozen=True)
class Sample:
    """A clip at the codec's rate, and the language it is in."""

    clip: Clip
    language: str = "en"


def groups(work: Path, kokoro_voices: Path, real: Path | None, count: int) -> dict[str, list[Sample]]:
    """All groups by name; what the teachers say is kept in the work folder.

    Args:
        work: where their audio goes.
        kokoro_voices: the file that `npm pack kokoro-js` writes.
        real: a folder of recordings `LANGUAGE_NAME.wav`, with a `.txt` of what is said where that is known.
        count: clips of a group, at most.

    Raises:
        BarkError: a teacher isn't installed, or a file can't be read.
    """
    kokoro, sentences = _teacher(kokoro_voices), texts.evaluation_sentences("en")
    people = {"recordings of people": _spread(_recordings(real), count)} if real else {}
    unheard = _said(kokoro, _turns(sentences[LATER:][:count], UNHEARD), work / "unheard")
    return {
        "voices trained on": trained(work, kokoro_voices, count),
        **people,
        "voices never heard": [Sample(clip) for clip in unheard],
        "other languages": [
            Sample(clip, language)
            for language, voice in LANGUAGES.items()
            for clip in _foreign(language, voice, max(1, count // len(LANGUAGES)), kokoro_voices, work)
        ],
    }


def trained(work: Path, kokoro_voices: Path, count: int) -> list[Sample]:
    """Clips of voices that the codec has learned from, one of four by hibari; arguments as `groups`'."""
    sentences, quarter = texts.evaluation_sentences("en"), count // 4
    clips = _said(_teacher(kokoro_voices), _turns(sentences[: count - quarter], TRAINED), work / "trained")
    by_hibari = _turns(sentences[count - quarter : count], ("af_heart",))
    clips += _said(SystemSpec("hibari", kind="hibari"), by_hibari, work / "hibari")
    return [Sample(clip) for clip in clips]


def _teacher(kokoro_voices: Path) -> SystemSpec:
    return SystemSpec("kokoro", kind="kokoro", kokoro_voices=str(kokoro_voices))


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """So many of them, from first to last."""
    count = min(count, len(samples))
    return [samples[i * len(samples) // count] for i in range(count)]


def _turns(sentences: Sequence[str], voices: Sequence[str]) -> list[Line]:
    return [Line(text, voices[i % len(voices)], i) for i, text in enumerate(sentences)]


def _said(spec: SystemSpec, lines: Sequence[Line], folder: Path) -> list[Clip]:
    return _kept(spec.make, lines, folder, spec.key())


def _foreign(language: str, voice: str, count: int, kokoro_voices: Path, work: Path) -> list[Clip]:
    def make() -> Synthesizer:
        return TeacherSynthesizer(language, Polyglot(_kokoro(kokoro_voices), language), {})

    lines = _turns(texts.own_sentences(language)[:count], (voice,))
    return _kept(make, lines, work / language, f"{language} {voice}")


@cache
def _kokoro(voices: Path) -> KokoroTeacher:
    return KokoroTeacher(voices)


def _kept(make: Callable[[], Synthesizer], lines: Sequence[Line], folder: Path, key: str) -> list[Clip]:
    """What isn't in the folder yet is said first."""
    speak(make, lines, folder, key)
    return load(lines, folder, key).clips


def _recordings(folder: Path) -> list[Sample]:
    samples = []
    for path in sorted(folder.glob("*.wav")):
        language, _, name = path.stem.partition("_")
        audio, sample_rate = read_audio(path)
        text = path.with_suffix(".txt")
        said = text.read_text(encoding="utf-8").strip() if text.exists() else ""
        samples.append(Sample(Clip(resample(audio, sample_rate, SAMPLE_RATE), said, name, SAMPLE_RATE), language))
    return samples
