"""What is said from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

BLINK = 0.02  # seconds that a word is shown at least: files of captions take none that begins when it ends


@dataclass(frozen=True)
class Word:
    """A word, with its punctuation, and the seconds at which it is said."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Cue:
    """Text that is said, or shown, in one go.

    Attributes:
        text: of it; a line break is one in the caption, too.
        start: seconds.
        end: seconds.
        speaker: who says it.
        words: parts of the text, in order; empty where their times aren't known.
        exact: whether the words' times were told by the model that said them, not estimated.
    """

    text: str
    start: float
    end: float
    speaker: str | None = None
    words: tuple[Word, ...] = ()
    exact: bool = False

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


def moved(cue: Cue, seconds: float) -> Cue:
    """The same, later."""
    words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in cue.words)
    return replace(cue, start=cue.start + seconds, end=cue.end + seconds, words=words)


def by_word(cues: Iterable[Cue]) -> Iterator[Cue]:
    """A cue for every word, of `BLINK` seconds at least; one without words stays as it is."""
    before = 0.0
    for cue in cues:
        if not cue.words:
            yield cue
        for word in cue.words:
            start = max(word.start, before)
            before = max(word.end, start + BLINK)
            yield Cue(word.text, start, before, cue.speaker, (replace(word, start=start, end=before),), cue.exact)
