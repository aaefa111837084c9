"""One job, line by line: what is to be spoken next, and what may be sent of what was spoken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bark.dialogue import as_script, dialogue_lines
from bark.lines import Line
from bark.narration import Narration
from bark.options import GenerateOptions
from bark.parts import Parts
from bark.reading import lines_of
from bark.request import FloatArray, Request, Take, least_bad
from bark.result import Utterance
from bark.server.messages import Begin
from bark.speaking import Speaking
from bark.voices import Voice


class Reader:
    """The narration of a job over a flow: it is asked for a request, and given what becomes of it.

    What it lets through, joined, is the audio of `Bark.generate`, or of `Bark.dialogue`.

    Args:
        speaking: of the model.
        asked: the job.

    Raises:
        BarkError: there is nothing to say, or a voice or an option makes no sense.
    """

    def __init__(self, speaking: Speaking, asked: Begin) -> None:
        options = replace(
            (asked.options or GenerateOptions()).suited(speaking.parts.config.generation), seed=asked.seed
        )
        self._lines = _dialogue(speaking.parts, asked, options) if asked.dialogue else _text(speaking, asked, options)
        self._narration = Narration(speaking, options.max_duration)
        self._line: Line | None = next(self._lines, None)
        self._takes: list[Take] = []
        self._at_once = True

    @property
    def more(self) -> bool:
        """Whether there is another line to be spoken."""
        return self._line is not None

    def next(self) -> Request:
        """What the next line is spoken from.

        Raises:
            BarkError: it can't be spoken.
        """
        assert self._line is not None
        request = self._narration.request(self._line)
        self._takes = []
        self._at_once = self._narration.at_once(request)
        return request

    def heard(self, piece: FloatArray) -> list[FloatArray]:
        """Takes a piece of the line; gives what of it may be sent now."""
        return [piece] if self._at_once else []

    def finish(self, take: Take) -> Request | list[FloatArray]:
        """Takes all of the line; gives the rest that may be sent, or what the line is spoken from once more."""
        self._takes.append(take)
        again = None if self._at_once else take.next
        if again is not None:
            return again
        assert self._line is not None
        best = least_bad(self._takes)
        rest = self._narration.finish(self._line, best)
        pieces = [] if self._at_once else list(best.pieces)
        pieces += [piece for piece in rest if not isinstance(piece, Utterance)]
        self._takes = []
        self._line = next(self._lines, None)
        if self._line is not None and self._narration.stops(self._line):
            self._line = None
        return pieces


def _text(speaking: Speaking, asked: Begin, options: GenerateOptions) -> Iterator[Line]:
    """The lines of `Bark.plan`, each when it is asked for."""
    voice = _known(speaking.parts, asked.voice)
    return lines_of(speaking.parts, asked.text, voice, options, asked.seed, asked.language)


def _dialogue(parts: Parts, asked: Begin, options: GenerateOptions) -> Iterator[Line]:
    """The lines of `Bark.plan_dialogue`."""
    script = as_script(asked.text)
    cast = {name: _known(parts, member.voice) for name, member in script.cast.items() if member.voice is not None}
    return dialogue_lines(parts, script, cast, options)


def _known(parts: Parts, voice: str | Voice | None) -> Voice | None:
    """A voice of the library, by its name, or one that was sent; a name is never looked for as a file."""
    if voice is None:
        return None
    return parts.voices.named(voice) if isinstance(voice, str) else parts.voices.load(voice)
