"""What a generation gives."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bark.audio.encoders import encode_audio
from bark.audio.tags import Tags
from bark.audio.writer import write_audio
from bark.tokens import IntArray
from bark.voices import Voice


@dataclass(frozen=True, eq=False)
class Tokens:
    """The utterance as tokens of every stage.

    Attributes:
        semantic: [T].
        coarse: codes [n_coarse, T'].
        fine: codes [n_codebooks, T'].
    """

    semantic: IntArray
    coarse: IntArray
    fine: IntArray


@dataclass(frozen=True, eq=False)
class Utterance:
    """A line as it was spoken.

    Attributes:
        index: of the line, from 0 on.
        text: what was spoken, as the model read it.
        audio: [T] float32 in [−1, 1].
        sample_rate: Hz.
        tokens: of every stage.
        start: seconds from the beginning of the whole.
        pause: seconds of silence after it.
        seed: gives the same utterance again, with the same text, voice and options, but `retries=0` where it has
            `problems`: the least bad of several tries is kept, and from its seed on there would be others.
        voice: that it was spoken in; None where the model chose.
        speaker: of the line.
        tries: how many it took.
        problems: what still looks wrong.
        timings: seconds of computing by stage, of all tries.
    """

    index: int
    text: str
    audio: npt.NDArray[np.float32]
    sample_rate: int
    tokens: Tokens
    start: float
    pause: float
    seed: int
    voice: Voice | None
    speaker: str | None
    tries: int
    problems: tuple[str, ...]
    timings: Mapping[str, float]

    def __repr__(self) -> str:
        return f"Utterance({self.index}, {self.text[:40]!r}, {self.duration:.2f} s, seed={self.seed})"

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate

    def to_voice(self, name: str = "utterance") -> Voice:
        """The utterance as a voice, for saying more in the same way; what is known of its voice is known of it.

        Raises:
            VoiceError: the utterance is empty.
        """
        tokens = self.tokens.semantic, self.tokens.coarse, self.tokens.fine
        if self.voice is None:
            return Voice(name, *tokens)
        return Voice(name, *tokens, about=self.voice.about, equalizer=self.voice.equalizer)


@dataclass(frozen=True, eq=False)
class Generation:
    """A text as it was spoken.

    Attributes:
        text: what was spoken.
        audio: [T] float32 in [−1, 1], with the pauses.
        sample_rate: Hz.
        utterances: line by line; their audio is part of this.
        seed: gives the same again, with the same text, voice and options.
    """

    text: str
    audio: npt.NDArray[np.float32]
    sample_rate: int
    utterances: Sequence[Utterance]
    seed: int

    def __repr__(self) -> str:
        return f"Generation({self.text[:40]!r}, {self.duration:.2f} s, seed={self.seed})"

    @cached_property
    def tokens(self) -> Tokens:
        """Of every stage, those of all utterances in a row; of pauses there are none."""
        of = [each.tokens for each in self.utterances]
        return Tokens(
            semantic=np.concatenate([each.semantic for each in of]),
            coarse=np.concatenate([each.coarse for each in of], axis=1),
            fine=np.concatenate([each.fine for each in of], axis=1),
        )

    @cached_property
    def timings(self) -> Mapping[str, float]:
        """Seconds of computing by stage: `load` (once a stage), `semantic`, `coarse`, `fine`, `codec`."""
        return added(each.timings for each in self.utterances)

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate

    @property
    def elapsed(self) -> float:
        """Seconds of computing, without loading."""
        return sum(seconds for stage, seconds in self.timings.items() if stage != "load")

    def stems(self) -> dict[str, npt.NDArray[np.float32]]:
        """The audio of each speaker alone, as long as the whole and silent while others speak; their sum is the whole.

        Lines without a speaker are those of "".
        """
        stems: dict[str, npt.NDArray[np.float32]] = {}
        for each in self.utterances:
            stem = stems.setdefault(each.speaker or "", np.zeros_like(self.audio))
            start = round(each.start * self.sample_rate)
            stem[start : start + len(each.audio)] = each.audio
        return stems

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an audio file, whole or not at all, that says what is spoken and that no person speaks.

        Args:
            path: its suffix says the format: .wav (16-bit), .flac, .mp3, .ogg, .opus, .aac, .m4a, .pcm.

        Raises:
            AudioError: the audio is empty, and the format can't have that.
            OutputError: there is no such format, or the file can't be written.
        """
        write_audio(path, self.audio, self.sample_rate, tags=self._tags())

    def encode(self, format: str = "wav") -> bytes:
        """The content of the file that `save` writes: wav, flac, mp3, ogg, opus, aac, m4a or pcm.

        Raises:
            AudioError: the audio is empty, and the format can't have that.
            OutputError: there is no such format.
        """
        return encode_audio(self.audio, self.sample_rate, format, tags=self._tags())

    def _tags(self) -> Tags:
        voices = dict.fromkeys(each.voice.name for each in self.utterances if each.voice is not None)
        return Tags(text=self.text, voice=", ".join(voices), seed=self.seed)

    def to_voice(self, name: str = "generation") -> Voice:
        """The longest utterance as a voice, for saying more in the same way.

        Raises:
            VoiceError: all utterances are empty.
        """
        return max(self.utterances, key=lambda each: len(each.tokens.semantic)).to_voice(name)

    def _repr_html_(self) -> str:
        """A player, in notebooks."""
        data = base64.b64encode(self.encode()).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'


def added(timings: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by stage, of all together."""
    sums: dict[str, float] = {}
    for each in timings:
        for stage, seconds in each.items():
            sums[stage] = sums.get(stage, 0.0) + seconds
    return sums
