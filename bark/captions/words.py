"""When each word of an utterance is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bark.captions.cue import Cue, Word, moved
from bark.captions.sound import Sound
from bark.engine.alignment import align
from bark.parts import Parts
from bark.result import Tokens
from bark.text.duration import START, expected_duration
from bark.text.words import SOUNDS, word_spans
from bark.tokens import IntArray
from bark.voices import Voice

Times = npt.NDArray[np.float64]
Pieces = Sequence[tuple[int, int]]

SPACE = 0.06  # seconds; the space before a word belongs to its first token, and takes about this
SHORTEST = 0.05  # seconds that a word is taken to last where nothing is known


class Spoken(Protocol):
    """What has to be known of an utterance; `bark.result.Utterance` has it."""

    @property
    def text(self) -> str:
        """As the model read it."""

    @property
    def audio(self) -> npt.NDArray[np.float32]:
        """[T] in [−1, 1]."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def tokens(self) -> Tokens:
        """Of every stage."""

    @property
    def voice(self) -> Voice | None:
        """That it was said in."""

    @property
    def start(self) -> float:
        """Seconds from the beginning of the whole."""

    @property
    def speaker(self) -> str | None:
        """Who says it."""


def cues(parts: Parts, utterances: Iterable[Spoken]) -> Iterator[Cue]:
    """A cue with words for each utterance in which something is heard, by its place in the whole; see `words_of`."""
    for utterance in utterances:
        cue = words_of(parts, utterance)
        if cue.words and len(utterance.audio):
            yield moved(cue, utterance.start)


def words_of(parts: Parts, utterance: Spoken) -> Cue:
    """An utterance with its words, in seconds from its own beginning.

    A model whose alignment heads are known (`ModelConfig.alignment_heads`) tells the times, by one more pass over
    what it said. Of another the words share the sound by the time that each is expected to take, pauses left out;
    then the cue's `exact` is False.

    Args:
        parts: of the model that said it.
        utterance: with its text, tokens, voice and audio.

    Raises:
        CheckpointError: the semantic model is missing or broken.
    """
    text, sound = utterance.text, Sound(utterance.audio, utterance.sample_rate)
    spans = word_spans(text)
    found = _aligned(parts, utterance, spans) if parts.config.alignment_heads else None
    times = estimated(text, spans, sound) if found is None else heard(found, sound)
    words = tuple(Word(text[a:b], *map(float, time)) for (a, b), time in zip(spans, times, strict=True))
    start = min([sound.start, *(word.start for word in words)])
    end = max([sound.end, *(word.end for word in words)])
    return Cue(text, start, end, utterance.speaker, words, exact=found is not None)


def _aligned(parts: Parts, utterance: Spoken, spans: Pieces) -> Times | None:
    pieces = parts.tokenizer.pieces(utterance.text)[: parts.config.semantic_layout.text_length]
    history = utterance.voice.reading if utterance.voice else None
    with parts.semantic() as stage:
        found = align(stage, [piece[0] for piece in pieces], history, utterance.tokens.semantic) if pieces else None
    return None if found is None else of_tokens(utterance.text, spans, [piece[1:] for piece in pieces], found.spans)


def of_tokens(text: str, spans: Pieces, pieces: Pieces, times: Times) -> Times:
    """Seconds of each word [W, 2], made of those of text tokens.

    Args:
        text: that they are of.
        spans: characters of each word.
        pieces: characters of each token, which may have a space in front.
        times: seconds of each token, [N, 2]; of words that have none, those of what is before them.
    """
    ends = np.array([end for _, end in pieces])
    found = np.zeros((len(spans), 2))
    last = 0.0
    for row, (start, end) in zip(found, spans, strict=True):
        own: IntArray = np.flatnonzero((ends > start) & (ends <= end))
        sounding = [i for i in own if SOUNDS.search(text[pieces[i][0] : pieces[i][1]])] or own.tolist()
        if sounding:
            first, last = times[sounding[0], 0], times[sounding[-1], 1]
            space = SPACE if pieces[sounding[0]][0] < start and first > 0 else 0.0
            row[:] = min(first + space, (first + last) / 2), last
        else:
            row[:] = last
    return found


def heard(times: Times, sound: Sound) -> Times:
    """Seconds of words [W, 2] without the silence in them, none before the end of the one before it."""
    found = np.array([sound.within(start, end) for start, end in times]).reshape(-1, 2)
    found[:, 1] = np.maximum.accumulate(found[:, 1])
    found[1:, 0] = np.maximum(found[1:, 0], found[:-1, 1])
    found[:, 1] = np.maximum(found[:, 0], found[:, 1])
    return found


def estimated(text: str, spans: Pieces, sound: Sound) -> Times:
    """Seconds of words [W, 2] that share the sound by the time that each is expected to take."""
    shares = shares_of([text[start:end] for start, end in spans])
    return heard(np.stack([sound.at(shares[:-1]), sound.at(shares[1:])], 1), sound)


def shares_of(words: Sequence[str]) -> Times:
    """How much of a text has been said before each of its words, and at the end: from 0 to 1, [W + 1]."""
    expected = [max(SHORTEST, expected_duration(word) - START) for word in words]
    sums: Times = np.concatenate([[0.0], np.cumsum(expected)])
    sums /= max(sums[-1], SHORTEST)
    return sums
