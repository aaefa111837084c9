"""Step `abilities`: what a checkpoint does beside reading one language in its presets, each held to a figure.

people     without a preset, [MAN], [WOMAN], MAN: and WOMAN: speak at a man's or a woman's pitch
switching  in prompts of several languages Whisper hears each one where it is said
cloning    voices made of ten seconds of speakers that no model has heard stay whose they are
tags       the sounds that tags ask for are heard, and no others; `recipes.pup.tag_detector` must be trained
song       lines between ♪ have the steady and far pitches of notes, where the same lines said have not
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bark.audio.resample import resample
from bark.audio.writer import write_audio
from bark.captions import words_of
from bark.casting import BOUNDARY
from bark.evaluation.files import Audio, make_folder, write_json, write_text
from bark.evaluation.judges import SpeakerJudge, cosine
from bark.evaluation.teachers import SAMPLE_RATE, KokoroTeacher
from bark.evaluation.whisper import Transcriber
from bark.pipeline import Bark
from bark.rehearsal import Rehearsal
from bark.result import Utterance
from bark.text.prepare import prepared
from bark.text.words import word_spans
from bark.training.alignment import pitch
from bark.voices import Consent, create_voice, reader
from recipes.pup import tag_detector
from recipes.pup.abilities_table import to_markdown
from recipes.pup.expressive import TAGS, ExpressiveTeacher, sung, tagged
from recipes.pup.tag_detector import TagDetector
from recipes.pup.texts import evaluation_sentences

SPARE = 120  # of the sentences in evaluation/en.txt; those before it are what `evaluate` takes
FORMS = ("[MAN] {}", "[WOMAN] {}", "MAN: {}", "WOMAN: {}")
UNHEARD = ("af_nova", "am_echo", "bf_isabella", "bm_lewis")  # Kokoro's voices that are in no set
RECORDED = 10.0  # seconds
TAGGED = 120  # lines, of each of `TAGS` as many; and as many without
SUNG = 30  # lines
NOTE = 0.15  # seconds that a pitch must be held for
HELD = 1.0  # semitones about it: vibrato is less
PROMPTS = (  # the first three are examples of Suno and of a reviewer; a part is a language and what is said in it
    (
        (
            "ko",
            "추석은 내가 가장 좋아하는 명절이다. 나는 며칠 동안 휴식을 취하고 친구 및 가족과 시간을 보낼 수 있습니다.",
        ),
    ),
    (
        ("es", "Buenos días Miguel. Tu colega piensa que tu alemán es extremadamente malo."),
        ("en", "But I suppose your english isn't terrible."),
    ),
    (("de", "Hallo, wie geht es dir?"), ("es", "¿Qué haces aquí?"), ("en", "Are you looking for someone?")),
    (("en", "She opened the window and said:"), ("fr", "Il fait beau aujourd'hui, allons nous promener.")),
    (("it", "Buongiorno a tutti, oggi parliamo di musica."), ("en", "The first song is very old.")),
    (("en", "My grandmother always used to say:"), ("pl", "Gość w dom, Bóg w dom, proszę wejść.")),
    (("pt", "O meu irmão mora em Lisboa há dez anos."), ("de", "Seine Frau kommt aus Hamburg.")),
    (("ru", "Добрый вечер, дорогие друзья."), ("en", "Welcome to our little theatre.")),
    (("ja", "今日はとても寒いですね。"), ("en", "I think I will stay at home.")),
    (("zh", "欢迎来到北京，我们走吧。"), ("en", "The train leaves in ten minutes.")),
    (("tr", "Bugün hava çok güzel, dışarı çıkalım."), ("en", "We can take the boat.")),
)


@dataclass(frozen=True)
class Person:
    """How one prompt without a preset was said: at how many Hz, by the median, and whether that is as asked."""

    prompt: str
    pitch: float
    right: bool


@dataclass(frozen=True)
class Part:
    """A part of a prompt: its language, the one that was heard, and how sure Whisper was of the right one."""

    language: str
    text: str
    heard: str
    probability: float


@dataclass(frozen=True)
class Clone:
    """How alike each sentence in a made voice is to the recording, of so many seconds."""

    speaker: str
    seconds: float
    likeness: list[float]


@dataclass(frozen=True)
class Tagged:
    """A line, and which kinds of sounds were heard in it."""

    prompt: str
    heard: list[str]


@dataclass(frozen=True)
class Melody:
    """How a line was said, or sung: the share of its voice that holds notes, and how far its pitch spreads.

    Attributes:
        singer: "pup" or "teacher".
        held: of what is voiced, how much is part of a stretch of `NOTE` seconds within `HELD` semitones.
        spread: standard deviation of the pitch, semitones.
    """

    prompt: str
    singer: str
    sung: bool
    held: float
    spread: float


def people(bark: Bark, sentences: Sequence[str], count: int = 100, seed: int = 0) -> Iterator[Person]:
    """Prompts that ask for a man or a woman, in all four `FORMS` in turn.

    Args:
        bark: that speaks.
        sentences: which it says, again from the first after the last.
        count: prompts.
        seed: of the first; each next one has the next.
    """
    for number in range(count):
        form = FORMS[number % len(FORMS)]
        prompt = form.format(sentences[number // len(FORMS) % len(sentences)])
        said = bark.generate(prompt, seed=seed + number)
        hertz = pitch_of(said.audio, said.sample_rate)
        yield Person(prompt, hertz, hertz > 0 and (hertz >= BOUNDARY) == ("WOMAN" in form))


def pitch_of(audio: Audio, sample_rate: int) -> float:
    """Hz, of what is voiced, as WORLD hears it; 0 where nothing is."""
    found = pitch(audio, sample_rate)
    return float(np.exp(np.median(found[found > 0]))) if (found > 0).any() else 0.0


def switching(
    bark: Bark, judge: Transcriber, languages: Sequence[str], voices: Sequence[str], seed: int = 0
) -> Iterator[Part]:
    """Prompts of several languages, each in every voice; those with a language that isn't asked for are left out."""
    for number, prompt in enumerate(PROMPTS):
        if not {language for language, _ in prompt} <= set(languages):
            continue
        for voice in voices:
            said = bark.generate(" ".join(text for _, text in prompt), voice, seed=seed + number)
            for (language, text), audio in zip(prompt, cut(bark, said.utterances, prompt), strict=True):
                heard = judge.languages(audio, said.sample_rate, languages)
                yield Part(language, text, max(heard, key=lambda each: heard[each]), heard[language])


def cut(bark: Bark, utterances: Sequence[Utterance], prompt: Sequence[tuple[str, str]]) -> list[Audio]:
    """The audio of each part of a prompt, by the times of its words."""
    words = [
        (utterance.audio, utterance.sample_rate, word)
        for utterance in utterances
        for word in words_of(bark.parts, utterance).words
    ]
    pieces: list[Audio] = []
    for language, text in prompt:
        count = len(word_spans(prepared(text, bark.config.text, language)))
        own, words = words[:count], words[count:]
        spoken = [audio[round(word.start * rate) : round(word.end * rate)] for audio, rate, word in own]
        pieces.append(np.concatenate(spoken) if spoken else np.zeros(1, np.float32))
    return pieces


def cloning(
    bark: Bark,
    judge: SpeakerJudge,
    recordings: Mapping[str, Audio],
    sentences: Sequence[str],
    seed: int = 0,
) -> Iterator[Clone]:
    """Voices made of recordings at `SAMPLE_RATE`, by the speakers' names, and what each says.

    Args:
        bark: that makes the voices and speaks.
        judge: that tells whose a voice is.
        recordings: of the speakers.
        sentences: that each voice says.
        seed: of the first sentence; each next one has the next.
    """
    for speaker, recording in recordings.items():
        rate = bark.sample_rate
        voice = create_voice(
            resample(recording, SAMPLE_RATE, rate),
            rate,
            bark.parts,
            name=speaker,
            consent=Consent.now("the project: a synthetic voice has no speaker", "A synthetic voice."),
            manner=reader(bark.parts),
            embed=judge.embed,
            rehearse=Rehearsal(bark),
        )
        own = judge.embed(recording, SAMPLE_RATE)
        spoken = (bark.generate(each, voice, seed=seed + number) for number, each in enumerate(sentences))
        alike = [cosine(own, judge.embed(said.audio, said.sample_rate)) for said in spoken]
        yield Clone(speaker, len(recording) / SAMPLE_RATE, alike)


def recordings(teacher: KokoroTeacher, speakers: Sequence[str], sentences: Sequence[str]) -> dict[str, Audio]:
    """About `RECORDED` seconds of each speaker."""
    found = {}
    for speaker in speakers:
        audio = np.zeros(0, np.float32)
        for sentence in sentences:
            spoken = teacher.say(sentence, speaker, 1.0, 0)
            audio = audio if spoken is None else np.concatenate([audio, spoken.audio])
            if len(audio) >= RECORDED * SAMPLE_RATE:
                break
        found[speaker] = audio[: round(RECORDED * SAMPLE_RATE)]
    return found


def tags(
    bark: Bark, detector: TagDetector, sentences: Sequence[str], voices: Sequence[str], count: int = TAGGED
) -> Iterator[Tagged]:
    """As many lines with tags as without, each of `TAGS` in turn, in all voices in turn.

    Args:
        bark: that speaks.
        detector: that hears the sounds.
        sentences: of which the lines are made.
        voices: names of presets.
        count: lines with a tag, and lines without.
    """
    rng, names = random.Random(0), list(TAGS)
    for number in range(count):
        sentence = sentences[number % len(sentences)]
        for prompt in (tagged(sentence, names[number % len(names)], rng), sentence):
            said = bark.generate(prompt, voices[number % len(voices)], seed=number)
            audio = resample(said.audio, said.sample_rate, SAMPLE_RATE)
            yield Tagged(prompt, sorted(detector.heard(audio)))


def song(
    bark: Bark, teacher: ExpressiveTeacher, sentences: Sequence[str], voices: Sequence[str], count: int = SUNG
) -> Iterator[Melody]:
    """Lines that are short enough, said and sung, by pup and by the teacher."""
    lines = [(sentence, song) for sentence in sentences if (song := sung(sentence)) is not None]
    for number, (sentence, song) in enumerate(lines[:count]):
        for prompt in (sentence, song):
            said = bark.generate(prompt, voices[number % len(voices)], seed=number)
            yield Melody(prompt, "pup", prompt == song, *notes(said.audio, said.sample_rate))
            spoken = teacher.say(prompt, teacher.voices[number % len(teacher.voices)], 1.0, number)
            if spoken is not None:
                yield Melody(prompt, "teacher", prompt == song, *notes(spoken.audio, SAMPLE_RATE))


def notes(audio: Audio, sample_rate: int) -> tuple[float, float]:
    """The share of the voice in audio [T] that holds notes, and the spread of its pitch; see `Melody`."""
    steps = 12 / np.log(2) * pitch(audio, sample_rate)  # every 10 ms, 0 where there is no voice
    voiced, length = steps > 0, round(NOTE / 0.01)
    if len(steps) < length or not voiced.any():
        return 0.0, 0.0
    windows = np.lib.stride_tricks.sliding_window_view(steps, length)
    steady = (windows.min(-1) > 0) & (np.ptp(windows, axis=-1) <= HELD)
    held = np.convolve(steady, np.ones(length)) > 0
    return float(held[voiced].mean()), float(steps[voiced].std())


def abilities(
    checkpoint: Path, work: Path, kokoro_voices: Path, languages: Sequence[str], only: Sequence[str] | None = None
) -> dict[str, Any]:
    """Measures all of it, or some, and writes `report.json` and `report.md` to `work/abilities/CHECKPOINT`.

    Args:
        checkpoint: folder of the model.
        work: folder of the recipe.
        kokoro_voices: the file that `npm pack kokoro-js` writes.
        languages: that the checkpoint speaks.
        only: `people`, `switching`, `cloning`, `tags`, `song`; None for all.

    Raises:
        BarkError: the checkpoint, the teacher or a judge can't be loaded.
    """
    folder = make_folder(work / "abilities" / checkpoint.absolute().name)
    bark, sentences = Bark(checkpoint, "cpu"), evaluation_sentences("en")[SPARE:]
    teacher = cache(lambda: KokoroTeacher(kokoro_voices))
    found: dict[str, Any] = {}
    if only is None or "people" in only:
        found["people"] = [asdict(each) for each in _told(people(bark, sentences), 100, "people")]
    if only is None or "switching" in only:
        voices = [name for name in bark.voices.names() if name.startswith("v2/en_speaker_")][:5]
        parts = switching(bark, Transcriber(), languages, voices)
        found["switching"] = [asdict(each) for each in _told(parts, None, "switching")]
    if only is None or "cloning" in only:
        audio = recordings(teacher(), UNHEARD, sentences[::-1])
        for speaker, recording in audio.items():
            write_audio(folder / f"{speaker}.wav", recording, SAMPLE_RATE)
        clones = cloning(bark, SpeakerJudge(), audio, sentences[:20])
        found["cloning"] = [asdict(each) for each in _told(clones, len(audio), "cloning")]
    presets = [name for name in bark.voices.names() if name.startswith("v2/en_speaker_")][:6]
    if only is None or "tags" in only:
        heard = tags(bark, tag_detector.load(work), sentences, presets)
        found["tags"] = [asdict(each) for each in _told(heard, 2 * TAGGED, "tags")]
    if only is None or "song" in only:
        melodies = song(bark, ExpressiveTeacher(teacher()), sentences, presets)
        found["song"] = [asdict(each) for each in _told(melodies, None, "song")]
    write_json(folder / "report.json", found)
    write_text(folder / "report.md", to_markdown(found))
    return found


def _told(items: Iterator[Any], of: int | None, what: str) -> Iterator[Any]:
    for number, item in enumerate(items, 1):
        if number % 10 == 0 or number == of:
            print(f"{what}: {number}{'' if of is None else f'/{of}'}", flush=True)
        yield item
