"""A text as the lines that are read of it, each in somebody's voice."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bark.casting import kind_of_named, presets
from bark.lines import Line, Room, foreign, language_of, line_seed, spoken
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.text.labels import SPEAKER
from bark.text.language import language_code, language_of_text
from bark.text.normalize import SAYABLE
from bark.text.split import Segment
from bark.voices import Voice


def lines_of(
    parts: Parts, text: str, voice: Voice | None, options: GenerateOptions, seed: int, language: str | None = None
) -> Iterator[Line]:
    """The lines of a text, each as soon as it is settled; errors come at once.

    Args:
        parts: of the model.
        text: of any length.
        voice: who says it; None for anybody, and where a line begins with [MAN] or [WOMAN] for one of these, see
            `People`.
        options: of all lines.
        seed: of the whole.
        language: that is expected, as a two-letter code; None for that of the voice's name, else English.

    Raises:
        TextError: there is nothing to say in the text, or it is not text.
        OptionError: there can be no such language.
    """
    expected = language_code(language) or language_of(voice)
    found = spoken(text, Room.of(parts.config, parts.tokenizer.encode), expected)
    people = People(parts, seed, expected) if voice is None and parts.config.text.labels else None

    def lines() -> Iterator[Line]:
        own = expected
        for index, segment in enumerate(found):
            said, who = people.taken(segment) if people else (segment.text, voice)
            own = own or segment.language  # whoever it is that begins
            other = foreign(segment, language_of(who) or own)
            yield Line(said, segment.pause, who, options, line_seed(seed, index), language=other)

    return lines()


class People:
    """Who reads a text that names no voice: from [MAN] or [WOMAN] on one of the model's own voices of that kind.

    Left to itself a small model speaks as a man in most lines that ask for one, not in all. Which of the voices it is
    the seed decides; it stays the same throughout the text, and is of the line's language if there is one.

    Args:
        parts: of the model.
        seed: of the text.
        language: that is expected, as a two-letter code; None for English.
    """

    def __init__(self, parts: Parts, seed: int, language: str | None) -> None:
        self._parts, self._seed, self._language = parts, seed, language or "en"
        self._voices: dict[tuple[str, str], Voice | None] = {}
        self._kind: str | None = None

    def taken(self, segment: Segment) -> tuple[str, Voice | None]:
        """A segment's text without its tag, and who says it; as it was, if that may be anybody."""
        text = segment.text
        tag = SPEAKER.match(text)
        if tag:
            self._kind = tag[1]
        if self._kind is None:
            return text, None
        language = segment.language or language_of_text(text, self._language) or self._language
        voice = self._voice(self._kind, language)
        rest = text[tag.end() :] if tag else text
        return (text, None) if voice is None else (rest if SAYABLE.search(rest) else text, voice)

    def _voice(self, kind: str, language: str) -> Voice | None:
        if (kind, language) not in self._voices:
            names = presets(self._parts.voices.names(), language)
            random.Random(f"{self._seed}/{kind}").shuffle(names)
            found = next((name for name in names if kind_of_named(self._parts, name) == kind), None)
            self._voices[kind, language] = None if found is None else self._parts.voices.load(found)
        return self._voices[kind, language]
