"""Lines spoken one after another."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bark.errors import warn
from bark.lines import Line, language_of, pause_samples
from bark.manners import in_manner
from bark.options import GenerateOptions
from bark.record import Progress, Record
from bark.request import FloatArray, Request, Take, least_bad
from bark.result import Generation, Utterance
from bark.speaking import Speaking
from bark.voices import Voice, VoiceLike

SHORTEST = 0.5  # seconds; where less is left of a limit, no line is begun


@dataclass
class Narration:
    """Where the reading of some lines stands: which voices it has found, and how far it is.

    A speaker without a voice has that of their first utterance from then on, as if it had been given.

    Attributes:
        speaking: of the model.
        max_duration: seconds at most, with pauses; None for no limit.
        progress: told of every line's stages.
        name: said before the line in warnings.
    """

    speaking: Speaking
    max_duration: float | None = None
    progress: Progress | None = None
    name: str = ""
    samples: int = 0
    index: int = 0

    def __post_init__(self) -> None:
        self._voices: dict[str | None, Voice] = {}
        self._manners: dict[tuple[Voice, str], Voice] = {}

    def pieces(self, lines: Iterable[Line]) -> Iterator[FloatArray | Utterance]:
        """The audio in pieces, each as soon as it is settled; after those of a line its utterance, then its pause."""
        for line in lines:
            if self.stops(line):
                return
            take = yield from self._heard(self.request(line))
            yield from self.finish(line, take)

    def request(self, line: Line) -> Request:
        """What a line is spoken from now."""
        options = (line.options or GenerateOptions()).suited(self.speaking.parts.config.generation)
        if line.seed is not None:
            options = replace(options, seed=line.seed)
        return self.speaking.request(line.text, self._voice(line), self._limited(options))

    def stops(self, line: Line) -> bool:
        """Whether there is no time left for another line, with a warning of the one that it would be."""
        if self._left is None or self._left >= SHORTEST or self.index == 0:
            return False
        warn(f"{self.max_duration:g} s are used up: {self.where(line)} and what follows were not spoken")
        return True

    def finish(self, line: Line, take: Take) -> Iterator[FloatArray | Utterance]:
        """Goes on to the next line; gives this one's utterance, and its pause."""
        utterance = self._utterance(line, take)
        self._warn(line, utterance)
        if utterance.voice is None and len(utterance.audio):
            self._voices.setdefault(line.speaker, utterance.to_voice(line.speaker or "of the first line"))
        self.index += 1
        self.samples += len(utterance.audio)
        pause = line.pause if self._left is None else min(line.pause, max(0.0, self._left))
        yield replace(utterance, pause=pause)
        silence = pause_samples(pause, self._rate)
        self.samples += silence
        if silence:
            yield np.zeros(silence, dtype=np.float32)

    def at_once(self, request: Request) -> bool:
        """Whether the line is heard while it is made, and stays as it is; else it is judged when it is whole."""
        return self.index == 0 or not request.guarded

    def knows(self, speaker: str | None) -> bool:
        """Whether a speaker has a voice by now."""
        return speaker in self._voices

    def where(self, line: Line) -> str:
        """The line, for a warning."""
        return f"{self.name}line {self.index + 1} ({line.text[:40]!r})"

    def _voice(self, line: Line) -> VoiceLike | None:
        """Whose voice a line is in, and in whose manner that reads it."""
        voice = self._voices.get(line.speaker) if line.voice is None else line.voice
        if voice is None or line.language is None or line.language == language_of(voice):
            return voice
        parts = self.speaking.parts
        voice = parts.voices.load(voice)
        key = voice, line.language
        if key not in self._manners:
            self._manners[key] = in_manner(parts, voice, line.language)
        return self._manners[key]

    def _heard(self, request: Request) -> Generator[FloatArray, None, Take]:
        """A line's audio. The first is heard while it is made, and stays as it is however it sounds."""
        take = self.speaking.take(request, Record(self.progress))
        if self.at_once(request):
            pieces: list[FloatArray] = []
            for piece in take.pieces:
                pieces.append(piece)
                yield piece
            return take.heard(pieces, self._rate)
        takes = [take.heard(list(take.pieces), self._rate)]
        while (again := takes[-1].next) is not None:
            take = self.speaking.take(again, Record(self.progress))
            takes.append(take.heard(list(take.pieces), self._rate))
        best = least_bad(takes)
        yield from best.pieces
        return best

    def _utterance(self, line: Line, take: Take) -> Utterance:
        return Utterance(
            index=self.index,
            text=take.request.text,
            audio=np.concatenate([np.empty(0, dtype=np.float32), *take.pieces]),
            sample_rate=self._rate,
            tokens=self.speaking.tokens_of(take.record),
            start=self.samples / self._rate,
            pause=line.pause,
            seed=take.request.seed,
            voice=take.request.voice,
            speaker=line.speaker,
            tries=take.tries,
            problems=tuple(problem.text for problem in take.problems),
            timings=take.record.timings,
        )

    def _warn(self, line: Line, utterance: Utterance) -> None:
        if not len(utterance.audio):
            warn(f"{self.where(line)}: the model ended the utterance at once: the audio is empty")
        elif utterance.problems:
            tries = f"after {utterance.tries} tries" if utterance.tries > 1 else "at the first try"
            warn(f"{self.where(line)} looks wrong {tries}: {'; '.join(utterance.problems)}")

    def _limited(self, options: GenerateOptions) -> GenerateOptions:
        """Options that stop at the limit of the whole."""
        left = self._left
        if left is None or (options.max_duration is not None and options.max_duration <= left):
            return options
        return replace(options, max_duration=left)

    @property
    def _left(self) -> float | None:
        return None if self.max_duration is None else self.max_duration - self.samples / self._rate

    @property
    def _rate(self) -> int:
        return self.speaking.tokens.sample_rate


def whole(text: str, seed: int, sample_rate: int, pieces: Iterable[FloatArray | Utterance]) -> Generation:
    """All that a narration gave; the utterances' audio is part of the whole's."""
    audio: list[FloatArray] = []
    utterances: list[Utterance] = []
    for piece in pieces:
        if isinstance(piece, Utterance):
            utterances.append(piece)
        else:
            audio.append(piece)
    joined = np.concatenate([np.empty(0, dtype=np.float32), *audio])
    return Generation(text, joined, sample_rate, [_within(each, joined) for each in utterances], seed)


def _within(utterance: Utterance, audio: FloatArray) -> Utterance:
    start = round(utterance.start * utterance.sample_rate)
    return replace(utterance, audio=audio[start : start + len(utterance.audio)])
