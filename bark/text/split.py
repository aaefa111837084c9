"""A text of any length, as segments that a model reads one at a time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise

Fits = Callable[[str], bool]
Suits = Callable[[str, Sequence[str]], bool]
Cut = Callable[[str], Iterator[str]]

PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
SONG = re.compile(r"♪[^♪\n]*♪|^[^♪\n]*♪[^♪\n]*$", re.MULTILINE)
# the end of a clause: punctuation and the space after it, or, in scripts without spaces, punctuation of theirs
CLAUSE = re.compile(r"(?<=[;:,—–…])\s+|\s+(?=[—–])|(?<=[，、；：])")
WORD = re.compile(r"(?:\[[^\[\]\n]{1,40}\]|\S)+\s*|\s+")
UNSPACED = re.compile(r"[一-鿿㐀-䶿぀-ヿ]")
JOINERS = {"\u200d", "\ufe0f"}

SENTENCE_END = re.compile(r"[.!?…。！？।][\"'”’»)\]』」]*$")
CLAUSE_END = re.compile(r"[,;:—–，、；：][\"'”’»)\]』」]*$")
AT_ONCE = 64  # pieces that may be shared between two segments
PARAGRAPH_PAUSE, SENTENCE_PAUSE, CLAUSE_PAUSE = 0.7, 0.25, 0.1


@dataclass(frozen=True)
class Segment:
    """What is said in one go.

    Attributes:
        text: of it.
        pause: seconds of silence between it and the next.
        language: that it is in, as a two-letter code; None where nobody has looked.
    """

    text: str
    pause: float
    language: str | None = None


def split(text: str, fits: Fits, language: str = "en", suits: Suits | None = None) -> list[Segment]:
    """All of `segments`."""
    return list(segments(text, fits, language, suits))


def segments(
    text: str, fits: Fits, language: str = "en", suits: Suits | None = None, before: list[str] | None = None
) -> Iterator[Segment]:
    """Packs whole sentences into segments, and paragraphs into segments of their own; each as soon as it is settled.

    A sentence that doesn't fit is cut between clauses, a clause between words, and a word only where it doesn't fit
    alone. Tags in brackets are never cut, nor are lines of song between ♪ unless one doesn't fit.

    Args:
        text: of any length.
        fits: whether a text can be said in one go; what fits does so without its end, too.
        language: of the text, as a two-letter code, for telling sentences apart.
        suits: whether, after these segments, a text that fits should be said in one go; where it shouldn't, fewer
            sentences are packed. None for always.
        before: segments of what comes before the text; those of the text are put behind them.
    """
    before = [] if before is None else before
    for paragraph in PARAGRAPH.split(text):
        packed = _packed(_Pieces(_pieces(paragraph, fits, language)), fits, suits, before)
        last = ""
        for each in filter(None, (" ".join(each.split()) for each in packed)):
            if last:
                yield Segment(last, pause_after(last))
            last = each
            before.append(each)
        if last:
            yield Segment(last, PARAGRAPH_PAUSE)


def pause_after(text: str) -> float:
    """Seconds of silence between a text and what follows it in the same paragraph."""
    if SENTENCE_END.search(text):
        return SENTENCE_PAUSE
    return CLAUSE_PAUSE if CLAUSE_END.search(text) else 0.0


def _pieces(text: str, fits: Fits, language: str) -> Iterator[str]:
    """The largest parts of a text that fit, which joined are the text."""
    cuts: list[Cut] = [_songs, partial(_sentences, language=language), _clauses, _words, _characters]
    return _parts(text, fits, cuts, required=2)


def _parts(text: str, fits: Fits, cuts: Sequence[Cut], required: int = 0) -> Iterator[str]:
    """Cuts by the first `required` ways in any case, and by the others what doesn't fit."""
    if not cuts or (required <= 0 and (len(text) == 1 or fits(text.strip()))):
        yield text
        return
    song = required == 1 and "♪" in text  # a line of song is no sentences
    for part in [text] if song else cuts[0](text):
        yield from _parts(part, fits, cuts[1:], required - 1)


class _Pieces:
    """Pieces of a text, made no earlier than they are looked at."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._made: list[str] = []

    def between(self, start: int, stop: int) -> list[str]:
        """Those of these numbers that there are."""
        self._made += islice(self._source, max(0, stop - len(self._made)))
        return self._made[start:stop]


def _packed(pieces: _Pieces, fits: Fits, suits: Suits | None, before: list[str]) -> Iterator[str]:
    """Neighbours joined as long as they fit together; what two lots say at the end is shared between them."""
    start = 0
    while pieces.between(start, start + 1):
        stop = start + _most(pieces, start, _suiting(fits, suits, before))
        rest = pieces.between(stop, stop + AT_ONCE + 1)
        if 0 < len(rest) <= AT_ONCE and fits("".join(rest).strip()):
            lots = pieces.between(start, stop + len(rest))
            stop = start + _evenly(lots, stop - start, fits)
        yield "".join(pieces.between(start, stop))
        start = stop


def _suiting(fits: Fits, suits: Suits | None, before: list[str]) -> Fits:
    return (lambda text: fits(text) and suits(text, before)) if suits else fits


def _most(pieces: _Pieces, start: int, fits: Fits) -> int:
    """How many pieces from there fit together; one at least. Found by doubling and halving."""
    low, high = 1, 2
    while len(lot := pieces.between(start, start + high)) == high and fits("".join(lot).strip()):
        low, high = high, high * 2
    high = min(high, len(lot) + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if fits("".join(lot[:middle]).strip()):
            low = middle
        else:
            high = middle
    return low


def _evenly(pieces: Sequence[str], most: int, fits: Fits) -> int:
    """How many pieces, up to `most`, make two lots that are nearest in length, both of which fit."""
    total = sum(map(len, pieces))
    best, least = most, total
    said = 0
    for count, piece in enumerate(pieces[:most], 1):
        said += len(piece)
        unlike = abs(total - 2 * said)
        if unlike < least and fits("".join(pieces[count:]).strip()):
            best, least = count, unlike
    return best


def _songs(text: str) -> Iterator[str]:
    yield from _between(text, [edge for match in SONG.finditer(text) for edge in match.span()])


def _sentences(text: str, language: str) -> Iterator[str]:
    import sentencex  # a text that can be said in one go needs none of it

    yield from _between(text, [boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(language, text)])


def _clauses(text: str) -> Iterator[str]:
    yield from _between(text, [match.end() for match in CLAUSE.finditer(text)])


def _words(text: str) -> Iterator[str]:
    for word in WORD.findall(text):
        yield from _between(word, [at for at in range(1, len(word)) if _between_signs(word, at)])


def _between_signs(text: str, at: int) -> bool:
    """Whether a script without spaces may be cut there: beside one of its signs, and before no punctuation."""
    here, before = text[at], text[at - 1]
    signs = bool(UNSPACED.match(here) or UNSPACED.match(before))
    return signs and here.isalnum() and not unicodedata.category(before).startswith("Ps")


def _characters(text: str) -> Iterator[str]:
    """Characters, with the marks and joiners that belong to them."""
    cuts = [
        at
        for at in range(1, len(text))
        if not (unicodedata.combining(text[at]) or text[at] in JOINERS or text[at - 1] == "\u200d")
        and unicodedata.category(text[at]) not in ("Mn", "Mc", "Me")
    ]
    yield from _between(text, cuts)


def _between(text: str, cuts: Sequence[int]) -> Iterator[str]:
    """The parts of a text between these places."""
    edges = sorted({0, *cuts, len(text)})
    for start, end in pairwise(edges):
        yield text[start:end]
