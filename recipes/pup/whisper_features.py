"""What Whisper base makes of short clips: 512 numbers, 50 times a second, or words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bark.evaluation.files import Audio, resample
from bark.evaluation.packages import require
from bark.evaluation.whisper import RATE, model_folder
from bark.training.audio_corpus import read_clips

WIDTH = 512
FRAME_RATE = 50
SILENCE = 0.5  # seconds after the speech, so that its end isn't the window's
MOST_TOKENS = 120
STEP = 1.0  # windows for features are a whole number of seconds long
HEARD = 12.0  # windows for words a whole number of these: in shorter ones Whisper may say a sentence thrice
Features = npt.NDArray[np.float16]


class ShortWhisper:
    """Whisper base on windows that fit the speech instead of 30 s: features eight times as fast, words twice.

    What it hears is the same in nearly all English clips. In other languages it isn't to be trusted: there shorter
    windows may end in endless repetition.

    Args:
        threads: CPU threads.

    Raises:
        BarkError: the packages aren't installed.
    """

    def __init__(self, threads: int = 1) -> None:
        whisper = require("faster_whisper")
        self._model = whisper.WhisperModel(
            str(model_folder()), device="cpu", compute_type="float32", cpu_threads=threads, local_files_only=True
        )
        self._tokenizer = require("faster_whisper.tokenizer").Tokenizer(
            self._model.hf_tokenizer, multilingual=True, task="transcribe", language="en"
        )

    def features(self, audio: Audio, sample_rate: int) -> Features:
        """Audio [N] of up to 29 s → features [N * 50 / sample_rate, 512]."""
        found = np.asarray(self._encoded(audio, sample_rate, STEP))[0]
        return found[: len(audio) * FRAME_RATE // sample_rate].astype(np.float16)

    def transcribe(self, audio: Audio, sample_rate: int) -> str:
        """What is said in English in audio [N] of up to 29 s."""
        tokenizer = self._tokenizer
        quiet = require("faster_whisper.transcribe").get_suppressed_tokens(tokenizer, [-1])
        found = self._model.model.generate(
            self._encoded(audio, sample_rate, HEARD),
            [[*tokenizer.sot_sequence, tokenizer.no_timestamps]],
            beam_size=5,
            suppress_tokens=quiet,
            max_length=MOST_TOKENS,
        )
        return str(tokenizer.decode(found[0].sequences_ids[0])).strip()

    def _encoded(self, audio: Audio, sample_rate: int, step: float) -> Any:
        heard = resample(audio, sample_rate, RATE)
        length = -(-(len(heard) / RATE + SILENCE) // step) * step
        heard = np.pad(heard, (0, round(length * RATE) - len(heard)))
        return self._model.encode(self._model.feature_extractor(heard, padding=0)[:, : round(length * 100)])


def keep_features(corpus: Path, out: Path, sample_rate: int, encoder: ShortWhisper, shards: int) -> None:
    """Features of a set's first shards, as `NAME.features.npy`: all clips one after another."""
    out.mkdir(parents=True, exist_ok=True)
    for shard in sorted(corpus.glob("*.jsonl"))[:shards]:
        path = out / f"{shard.stem}.features.npy"
        if path.exists():
            continue
        clips = [clip for clip in read_clips([corpus]) if clip.pcm.stem == shard.stem]
        found = [encoder.features(clip.audio(), sample_rate) for clip in clips]
        temporary = path.with_suffix(".part.npy")
        np.save(temporary, np.concatenate(found))
        os.replace(temporary, path)
        print(f"{corpus.name}/{shard.stem}: features of {len(clips)} clips", flush=True)
