"""A teacher that laughs, sighs, sings and stresses words in CAPITALS, made of what Kokoro says.

A line is spoken without its tags; a sound goes where its tag stood, between two words. In the phonemes that come with
the audio a tag is a letter of its own for each of its words, so that text and sound stay aligned.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE, KokoroTeacher, Spoken
from recipes.pup import music, retune, singing, sounds

TAGS = {  # and the letter that stands for each in phonemes
    "[laughs]": "①",
    "[laughter]": "①",
    "[sighs]": "②",
    "[gasps]": "③",
    "[clears throat]": "④",
    "[music]": "⑤",
}
NOTE = "♪"
TAG = re.compile("|".join(map(re.escape, TAGS)) + "|" + NOTE)
CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
PAUSE = (0.05, 0.2)  # seconds on either side of a sound
MUSIC_PAUSE = (0.2, 0.5)

Audio = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Written:
    """A line with tags.

    Attributes:
        said: without them, in the case of ordinary writing.
        tags: each with the number of words before it.
        loud: which words were in CAPITALS.
        sung: whether there are ♪ about it.
    """

    said: str
    tags: tuple[tuple[int, str], ...]
    loud: frozenset[int]
    sung: bool


def written(text: str) -> Written:
    """Takes a line apart."""
    words: list[str] = []
    tags: list[tuple[int, str]] = []
    place = 0
    for match in TAG.finditer(text):
        words += text[place : match.start()].split()
        tags.append((len(words), match.group()))
        place = match.end()
    words += text[place:].split()
    loud = frozenset(n for n, word in enumerate(words) if CAPITALS.search(word))
    said = " ".join(CAPITALS.sub(lambda m: m.group().lower(), word) for word in words)
    return Written(said, tuple(tags), loud, any(tag == NOTE for _, tag in tags))


class ExpressiveTeacher:
    """Kokoro with `TAGS`, ♪ and CAPITALS, in English; see `bark.evaluation.teachers.Teacher`.

    Args:
        kokoro: that speaks.
    """

    def __init__(self, kokoro: KokoroTeacher) -> None:
        self.voices: Sequence[str] = kokoro.voices
        self._kokoro = kokoro
        self._timbres: dict[str, sounds.Timbre] = {}

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        """What it says; None also where a tag's place among the words can't be told, or nothing can be sung."""
        line, rng = written(text), np.random.default_rng(seed)
        spoken = self._kokoro.say(line.said, voice, speed, seed)
        if spoken is None:
            return None
        spans = list(_words(spoken.phonemes))
        if len(spans) != len(line.said.split()):
            return None
        if line.loud:
            spoken = retune.emphasised(retune.analysed(spoken), [spans[n] for n in sorted(line.loud)])
        if line.sung:
            spoken = singing.sing(spoken, rng)
        return None if spoken is None else self._with_tags(spoken, spans, line, voice, rng)

    def _with_tags(
        self, spoken: Spoken, spans: list[tuple[int, int]], line: Written, voice: str, rng: np.random.Generator
    ) -> Spoken:
        """Its pieces with sounds between them."""
        ends = np.cumsum(spoken.durations)  # ends[p]: where phoneme p begins, in units; the first is the pad's
        joined = _Joined()
        begun = 0
        for number, tag in line.tags:
            stop = spans[number][0] if number < len(spans) else len(spoken.phonemes)
            joined.speech(spoken, begun, stop, ends)
            joined.sound(tag, self._sound(tag, voice, rng), rng)
            begun = stop
        joined.speech(spoken, begun, len(spoken.phonemes), ends)
        return joined.whole(spoken, ends)

    def _sound(self, tag: str, voice: str, rng: np.random.Generator) -> Audio:
        if tag == NOTE:
            return np.empty(0, np.float32)
        if tag == "[music]":
            return music.music(rng)
        if voice not in self._timbres:
            self._timbres[voice] = sounds.timbre(self._kokoro, voice)
        return sounds.SOUNDS[tag](self._timbres[voice], rng)


class _Joined:
    """Audio, phonemes and durations, piece by piece; a piece's length is whole units."""

    def __init__(self) -> None:
        self.audio: list[Audio] = []
        self.phonemes = ""
        self.durations: list[int] = []

    def speech(self, spoken: Spoken, first: int, last: int, ends: npt.NDArray[np.int64]) -> None:
        """Phonemes from `first` to before `last`."""
        if first == last:
            return
        self._space()
        self.phonemes += spoken.phonemes[first:last]
        self.durations += spoken.durations[first + 1 : last + 1]
        self.audio.append(_faded(spoken.audio[ends[first] * DURATION_UNIT : ends[last] * DURATION_UNIT]))

    def sound(self, tag: str, audio: Audio, rng: np.random.Generator) -> None:
        """A tag: a letter for each of its words, of which the first has all of the sound."""
        letters = [TAGS.get(tag, tag)] * len(tag.split())
        self._space()
        self.phonemes += " ".join(letters)
        before, after = (round(rng.uniform(*(MUSIC_PAUSE if tag == "[music]" else PAUSE)) * SAMPLE_RATE) for _ in "ab")
        padded = np.pad(audio, (before if self.audio else 0, after)) if len(audio) else audio
        units = -(-len(padded) // DURATION_UNIT)
        self.audio.append(np.pad(padded, (0, units * DURATION_UNIT - len(padded))))
        self.durations += [units] + [0] * (2 * len(letters) - 2)

    def whole(self, spoken: Spoken, ends: npt.NDArray[np.int64]) -> Spoken:
        """All of it, between the silences that the speech had about it."""
        lead, rest = spoken.audio[: ends[0] * DURATION_UNIT], spoken.audio[ends[len(spoken.phonemes)] * DURATION_UNIT :]
        durations = [spoken.durations[0], *self.durations, spoken.durations[-1]]
        return Spoken(np.concatenate([lead, *self.audio, rest]), self.phonemes, durations)

    def _space(self) -> None:
        """Between two words; of no length where the speech has none there."""
        if self.phonemes and not self.phonemes.endswith(" "):
            self.phonemes += " "
            self.durations.append(0)


def _faded(audio: Audio) -> Audio:
    """The same without clicks at its ends."""
    edge = min(72, len(audio) // 2)
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    faded = audio.copy()
    if edge:
        faded[:edge] *= ramp
        faded[-edge:] *= ramp[::-1]
    return faded


def _words(phonemes: str) -> Iterator[tuple[int, int]]:
    """First and one past the last of the phonemes of each word."""
    for match in re.finditer(r"\S+", phonemes):
        yield match.span()


def tagged_sentences(own: Sequence[str], plain: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Lines with tags, ♪ and CAPITALS, for a corpus.

    Args:
        own: lines that have some, written by people; all of them are used if there is room.
        plain: sentences without, of which the others are made.
        count: of all.
        seed: of what is made.
    """
    rng = random.Random(seed)
    found = list(own)
    makers = (_tagged, _tagged, _tagged, _sung, _sung, _shouted)
    pool = [each for each in plain if 4 <= len(each.split()) <= 14 and not re.search(r"\d", each)]
    while len(found) < count and pool:
        made = rng.choice(makers)(rng.choice(pool), rng)
        if made:
            found.append(made)
    rng.shuffle(found)
    return found[:count]


def _tagged(sentence: str, rng: random.Random) -> str:
    return tagged(sentence, rng.choice([tag for tag in TAGS if tag != "[music]"] * 3 + ["[music]"]), rng)


def tagged(sentence: str, tag: str, rng: random.Random) -> str:
    """A tag before a sentence, or after a comma, or at its end."""
    words = sentence.split()
    commas = [n + 1 for n, word in enumerate(words[:-1]) if word.endswith((",", ";", "—"))]
    places = [0, 0, *commas] if tag == "[music]" else [0, len(words), *commas, *commas]
    place = rng.choice(places)
    return " ".join([*words[:place], tag, *words[place:]])


def _sung(sentence: str, rng: random.Random) -> str | None:
    return sung(sentence)


def sung(sentence: str) -> str | None:
    """♪ about a short line, else None: sung, a sentence lasts more than twice as long."""
    return f"{NOTE} {sentence.rstrip('.')} {NOTE}" if len(sentence.split()) <= 9 else None


def _shouted(sentence: str, rng: random.Random) -> str | None:
    words = sentence.split()
    long = [n for n, word in enumerate(words) if len(re.sub(r"\W", "", word)) > 3 and "'" not in word]
    if not long:
        return None
    chosen = rng.choice(long)
    words[chosen] = words[chosen].upper()
    return " ".join(words)
