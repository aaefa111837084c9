"""What is said, line by line."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real

from bark.errors import OptionError, TextError
from bark.models.config import ModelConfig, TextConfig
from bark.options import GenerateOptions
from bark.text.duration import expected_duration
from bark.text.labels import labels, turns
from bark.text.language import by_language
from bark.text.normalize import SAYABLE, clean
from bark.text.prepare import prepared
from bark.text.split import PARAGRAPH, PARAGRAPH_PAUSE, Segment, pause_after, segments
from bark.voices import VoiceLike

UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")  # where a line may break, and which way it runs
LANGUAGE = re.compile(r"(?:^|/)([a-z]{2})_speaker_\d")  # in a name
MARGIN = 0.7  # of the model's limit; a text takes a sixth more or less than is expected, and some voices are slow
FIRST = 5.0  # seconds that the first line may take, so that it is heard soon
EARLY = 8  # lines that are kept short
MAX_PAUSE = 3600.0


@dataclass(frozen=True)
class Line:
    """What a model says in one go.

    Attributes:
        text: of it; what the model can't read at a time is cut, with a `BarkWarning`.
        pause: seconds of silence after it.
        voice: who says it; None for that of the first line of the same speaker.
        options: None for the model's own. Their `max_duration` is of this line.
        seed: None for that of the options, or else a drawn one.
        speaker: of lines without a voice, those of the same speaker are in the same voice.
        language: two letters, where it isn't the voice's own: it is read in the manner of that language's presets
            (`bark.manners`).

    Raises:
        OptionError: there is no such pause.
    """

    text: str
    pause: float = 0.0
    voice: VoiceLike | None = None
    options: GenerateOptions | None = None
    seed: int | None = None
    speaker: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pause, Real) or not 0 <= self.pause <= MAX_PAUSE:
            raise OptionError(f"pause must be from 0 to {MAX_PAUSE:g} seconds, not {self.pause!r}")


@dataclass(frozen=True)
class Room:
    """How much text a model says in one go.

    Attributes:
        tokens: of text that it reads.
        seconds: of speech that may be expected, so that it is not cut off.
        encode: a text's tokens.
        text: how a text is made ready.
    """

    tokens: int
    seconds: float
    encode: Callable[[str], Sequence[int]]
    text: TextConfig = field(default_factory=TextConfig)

    @classmethod
    def of(cls, config: ModelConfig, encode: Callable[[str], Sequence[int]]) -> Room:
        """A model's."""
        layout = config.semantic_layout
        steps = min(layout.max_steps, config.semantic.block_size - layout.prompt_length)
        return cls(layout.text_length, MARGIN * steps / config.tokens.semantic_rate, encode, config.text)

    def fits(self, text: str) -> bool:
        """Whether a text can be said in one go."""
        return expected_duration(text) <= self.seconds and len(self.encode(text)) <= self.tokens

    @staticmethod
    def suits(text: str, before: Sequence[str]) -> bool:
        """Whether a text is short enough to be made while what is before it is heard."""
        if len(before) >= EARLY:
            return True
        return expected_duration(text) <= max(FIRST, sum(map(expected_duration, before)))


def spoken(text: str, room: Room, language: str | None = None) -> Iterator[Segment]:
    """The segments that a text is spoken in; one if it is a paragraph that fits, in one language where that matters.

    Where nothing can be said, as in a row of asterisks, the pause before it is longer.

    Args:
        text: of any length.
        room: of the model.
        language: that is expected, as a two-letter code, for telling sentences apart and for how it is read;
            None for English.

    Raises:
        TextError: there is nothing to say in the text, or it is not text; at once.
    """
    text = UNSEEN.sub("", clean(text)).strip()
    if not SAYABLE.search(text):
        raise TextError(f"there is nothing to say in {text[:40]!r}: no letter, no digit, and no tag")
    if room.text.labels:
        text = turns(labels(text))
    if room.text.manners:
        return _without_silence(_in_languages(text, room, language or "en"))
    text = prepared(text, room.text, language)
    return _without_silence(_segments(text, room, language or "en"))


def _in_languages(text: str, room: Room, expected: str) -> Iterator[Segment]:
    """The segments of a text, each in one language."""
    before: list[str] = []
    for run, language in by_language(text, expected):
        ready, last = prepared(run, room.text, language), None
        for segment in _segments(ready, room, language, None if len(run) == len(text) else before):
            if last:
                yield last
            last = replace(segment, language=language)
        if last:
            paragraph = PARAGRAPH.search(run[len(run.rstrip()) :])
            yield replace(last, pause=PARAGRAPH_PAUSE if paragraph else pause_after(last.text))


def _segments(text: str, room: Room, language: str, before: list[str] | None = None) -> Iterator[Segment]:
    """The segments of a text that is ready, or of a part of one, with those before it; a short text is one."""
    if before is None and not PARAGRAPH.search(text) and room.fits(whole := " ".join(text.split())):
        return iter([Segment(whole, 0.0)])
    return segments(text, room.fits, language, room.suits, before)


def _without_silence(found: Iterator[Segment]) -> Iterator[Segment]:
    waiting: Segment | None = None
    for segment in found:
        if SAYABLE.search(segment.text):
            if waiting:
                yield waiting
            waiting = segment
        elif waiting:
            waiting = replace(waiting, pause=waiting.pause + segment.pause)
    if waiting:
        yield replace(waiting, pause=0.0)


def foreign(segment: Segment, own: str | None) -> str | None:
    """The language of a segment where it isn't its reader's own; None where it is, or where theirs isn't known."""
    return segment.language if own is not None and segment.language != own else None


def language_of(voice: VoiceLike | None) -> str | None:
    """The language in a voice's name, if it is one of Suno's kind; else that of the preset in whose manner it reads."""
    known = getattr(voice, "about", {})
    for name in (getattr(voice, "name", voice), known.get("manner")):
        found = LANGUAGE.search(str(name))
        if found:
            return found[1]
    return None


def line_seed(seed: int, index: int) -> int:
    """The seed of a line: the first has the text's, the others one of 32 bits that follows from it."""
    if index == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed}/{index}".encode(), digest_size=4).digest(), "little")


def pause_samples(pause: float, sample_rate: int) -> int:
    """Samples of a pause."""
    return math.floor(pause * sample_rate + 0.5)
