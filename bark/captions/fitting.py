"""Cues as captions that can be read: few short lines, shown for not too long, cut between words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bark.captions.cue import Cue, Word
from bark.captions.words import shares_of
from bark.errors import OptionError
from bark.text.split import CLAUSE_END, SENTENCE_END
from bark.text.words import word_spans

LINGER = 0.3  # seconds that a caption stays after its last word, where nothing comes
SHORT = 1.0  # seconds that a caption is shown at least, where there is room
FITTING = 2.0  # what a caption costs: the fewer the better,
UNPUNCTUATED, CLAUSE = 1.0, 0.3  # those that end with a sentence best, or with a clause
HURRIED = 1.5  # and those that are shown for a second or more
MOST_WORDS = 400  # looked at for one caption


@dataclass(frozen=True)
class Fitting:
    """What a caption may be.

    Attributes:
        width: characters of a line.
        lines: of a caption.
        seconds: that one is shown.

    Raises:
        OptionError: none could be made.
    """

    width: int = 42
    lines: int = 2
    seconds: float = 7.0

    def __post_init__(self) -> None:
        if not (self.width >= 8 and self.lines >= 1 and self.seconds >= 1):
            raise OptionError(
                "a caption needs a line or more of 8 characters or more, for 1 second or more, not "
                f"{self.lines} of {self.width} for {self.seconds:g}"
            )


def fitted(cues: Iterable[Cue], fitting: Fitting | None = None) -> Iterator[Cue]:
    """Captions of cues: each of lines that fit, and shown from its first word until a little after its last.

    A cue that fits keeps its lines. One without words is cut at times in proportion to what is said. A word longer than
    a line is cut, too.

    Args:
        cues: in the order of time.
        fitting: what a caption may be; else two lines of 42 characters for 7 seconds.
    """
    fitting = fitting or Fitting()
    captions = [caption for cue in cues for caption in _captions(cue, fitting)]
    for caption, after in pairwise([*captions, None]):
        assert caption is not None
        until = max(caption.end + LINGER, caption.start + SHORT)
        if after is not None:
            until = max(min(until, after.start), caption.end)
        yield replace(caption, end=min(until, max(caption.end, caption.start + fitting.seconds)))


def lines_of(words: Sequence[str], fitting: Fitting) -> list[str] | None:
    """Words, each with the space after it, as lines; None if they don't fit. Two lines are as even as may be."""
    whole = "".join(words).rstrip()
    if len(whole) <= fitting.width:
        return [whole]
    if fitting.lines == 2:
        cuts = [["".join(words[:i]).rstrip(), "".join(words[i:]).rstrip()] for i in range(1, len(words))]
        fits = [cut for cut in cuts if max(map(len, cut)) <= fitting.width]
        return min(fits, key=_uneven) if fits else None
    lines = [""]
    for word in words:
        if len((lines[-1] + word).rstrip()) > fitting.width:
            lines.append("")
        lines[-1] += word
    lines = [line.rstrip() for line in lines]
    return lines if len(lines) <= fitting.lines and max(map(len, lines)) <= fitting.width else None


def _uneven(cut: Sequence[str]) -> float:
    """How bad two lines are: by their difference, less where the first ends with punctuation."""
    ends = SENTENCE_END.search(cut[0]) or CLAUSE_END.search(cut[0])
    return abs(len(cut[0]) - len(cut[1])) - (12 if ends else 0)


@dataclass(frozen=True)
class _Part:
    """A word with the space after it, or a part of one that is longer than a line."""

    word: Word
    text: str


def _captions(cue: Cue, fitting: Fitting) -> Iterator[Cue]:
    lines = cue.text.split("\n")
    if cue.duration <= fitting.seconds and len(lines) <= fitting.lines and max(map(len, lines)) <= fitting.width:
        yield cue
        return
    parts = _parts(cue, fitting.width)
    for start, end in pairwise(_cuts(parts, fitting)):
        wrapped = lines_of([part.text for part in parts[start:end]], fitting)
        assert wrapped is not None
        said = [part.word for part in parts[start:end]]
        words = tuple(said) if cue.words else ()
        yield Cue("\n".join(wrapped), said[0].start, said[-1].end, cue.speaker, words, cue.exact)


def _cuts(parts: Sequence[_Part], fitting: Fitting) -> list[int]:
    """Where captions begin and end, so that they cost least in all; a part alone always makes one."""
    costs, came = [0.0], [0]
    for end in range(1, len(parts) + 1):
        best, place = float("inf"), end - 1
        for start in range(end - 1, max(-1, end - 1 - MOST_WORDS), -1):
            cost = _cost(parts[start:end], fitting)
            if cost is None and start < end - 1:
                break
            if costs[start] + (cost or 0.0) < best:
                best, place = costs[start] + (cost or 0.0), start
        costs.append(best)
        came.append(place)
    cuts = [len(parts)]
    while cuts[-1]:
        cuts.append(came[cuts[-1]])
    return cuts[::-1]


def _cost(parts: Sequence[_Part], fitting: Fitting) -> float | None:
    """What a caption of these parts costs; None if there can't be one."""
    seconds = parts[-1].word.end - parts[0].word.start
    if seconds > fitting.seconds or lines_of([part.text for part in parts], fitting) is None:
        return None
    text = parts[-1].word.text
    cost = FITTING if SENTENCE_END.search(text) else FITTING + (CLAUSE if CLAUSE_END.search(text) else UNPUNCTUATED)
    return cost + (HURRIED if seconds < SHORT else 0.0)


def _parts(cue: Cue, width: int) -> list[_Part]:
    text = re.sub(r"\s+", " ", cue.text).strip()
    words = cue.words or shared_words(text, cue.start, cue.end)
    parts: list[_Part] = []
    place = 0
    for word, after in pairwise([*words, None]):
        assert word is not None
        found = text.find(word.text, place)
        place = found + len(word.text) if found >= 0 else place
        spaced = after is not None and not text.startswith(after.text, place)
        parts += _cut_word(word, " " if spaced else "", width)
    return parts


def _cut_word(word: Word, space: str, width: int) -> Iterator[_Part]:
    count = -(-len(word.text) // width)
    each = word.end - word.start
    for i in range(count):
        text = word.text[i * width : (i + 1) * width]
        cut = Word(text, word.start + each * i / count, word.start + each * (i + 1) / count)
        yield _Part(cut, text + (space if i == count - 1 else ""))


def shared_words(text: str, start: float, end: float) -> tuple[Word, ...]:
    """Words of a text that is said between two times, each for as long as is expected of it."""
    found = [text[a:b] for a, b in word_spans(text)] or text.split()
    edges = start + np.asarray(shares_of(found)) * (end - start)
    return tuple(Word(word, float(a), float(b)) for word, (a, b) in zip(found, pairwise(edges), strict=True))
