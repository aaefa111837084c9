"""What a generation gives."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bark.audio.write import encode_wav, write_wav
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
class Generation:
    """An utterance.

    Attributes:
        text: what was spoken, as the model read it.
        audio: [T] float32 in [−1, 1].
        sample_rate: Hz.
        tokens: of every stage.
        timings: seconds of computing by stage: `load` (once a stage), `semantic`, `coarse`, `fine`, `codec`.
        seed: gives the same utterance again, with the same text, voice and options.
    """

    text: str
    audio: npt.NDArray[np.float32]
    sample_rate: int
    tokens: Tokens
    timings: Mapping[str, float]
    seed: int

    def __repr__(self) -> str:
        return f"Generation({self.text[:40]!r}, {self.duration:.2f} s, seed={self.seed})"

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate

    @property
    def elapsed(self) -> float:
        """Seconds of computing, without loading."""
        return sum(seconds for stage, seconds in self.timings.items() if stage != "load")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a WAV file (16-bit PCM), whole or not at all.

        Raises:
            OutputError: the file can't be written.
        """
        write_wav(path, self.audio, self.sample_rate)

    def to_voice(self, name: str = "generation") -> Voice:
        """The utterance as a voice, for saying more in the same way.

        Raises:
            VoiceError: the utterance is empty.
        """
        return Voice(name, self.tokens.semantic, self.tokens.coarse, self.tokens.fine)

    def _repr_html_(self) -> str:
        """A player, in notebooks."""
        data = base64.b64encode(encode_wav(self.audio, self.sample_rate)).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'
