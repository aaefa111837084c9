"""Judges of a voice: whose it is, and how natural it sounds."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.files import Audio, resample
from bark.evaluation.packages import require

RATE = 16_000
Embedding = npt.NDArray[np.float32]


class SpeakerJudge:
    """Resemblyzer (GE2E, Wan et al. 2018): a speaker as a direction in 256 dimensions.

    Measured on six of Kokoro's voices, 4 s a sentence: two sentences of one speaker have a cosine of 0.90 (0.86 to
    0.94), of two speakers 0.57 (0.40 to 0.84). Sentences shorter than 2 s are less alike.

    Raises:
        BarkError: the packages aren't installed.
    """

    def __init__(self) -> None:
        with _quiet():
            package = require("resemblyzer")
            self._encoder = package.VoiceEncoder("cpu", verbose=False)
        self._preprocess = package.preprocess_wav

    def embed(self, audio: Audio, sample_rate: int) -> Embedding:
        """The voice as a row of length 1, [256], or of zeros where nobody speaks. Long silences don't count.

        Args:
            audio: [T] in [−1, 1].
            sample_rate: Hz.
        """
        audio = resample(audio, sample_rate, RATE)
        with _quiet():
            speech = self._preprocess(audio) if audio.any() else audio[:0]  # silence has no volume to normalise
            if not len(speech):
                return np.zeros(256, np.float32)
            return np.asarray(self._encoder.embed_utterance(speech), np.float32)


class MosJudge:
    """DistillMOS (Stahl and Gamper 2025): how people would rate the sound, from 1 to 5.

    Raises:
        BarkError: the packages aren't installed.
    """

    def __init__(self) -> None:
        import torch

        self._torch: Any = torch
        with _quiet():
            # torchaudio is for the package's own command line, and doesn't load beside a torch without CUDA.
            package = require("distillmos", unused=("torchaudio",))
            self._model = package.ConvTransformerSQAModel().eval()

    def estimate(self, audio: Audio, sample_rate: int) -> float:
        """Mean opinion score, 1 (bad) to 5 (excellent).

        Args:
            audio: [T] in [−1, 1].
            sample_rate: Hz.
        """
        audio = resample(audio, sample_rate, RATE)
        with self._torch.inference_mode():
            return float(self._model(self._torch.from_numpy(audio)[None]))


def cosine(a: npt.NDArray[np.floating[Any]], b: npt.NDArray[np.floating[Any]]) -> float:
    """Cosine of the angle between two voices, 0 where one of them is nobody's."""
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


@contextlib.contextmanager
def _quiet() -> Any:
    """Keeps the packages' chatter off stdout, and their deprecations off everybody."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
