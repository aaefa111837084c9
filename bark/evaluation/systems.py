"""What can be asked to speak: models of this package, and teachers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from bark.checkpoints.registry import find_checkpoint
from bark.errors import OptionError
from bark.evaluation.files import Audio
from bark.evaluation.teachers import SAMPLE_RATE, TEACHERS, Teacher, make_teacher

if TYPE_CHECKING:
    from bark.codec.base import Codec

MODEL = "bark"


class Synthesizer(Protocol):
    """Speaks.

    Attributes:
        name: how a report calls it.
        sample_rate: of its audio, Hz.
    """

    name: str
    sample_rate: int

    def say(self, text: str, voice: str, seed: int) -> Audio:
        """Float32 [T] in [−1, 1], empty where it has nothing to say."""

    def preset(self, voice: str) -> Audio | None:
        """How the voice sounds that it was told to speak with, [T]; None where there is no such recording."""


@dataclass(frozen=True)
class SystemSpec:
    """A system to be made, as plain values, so that another process can make it.

    Attributes:
        name: how the report calls it; also the name of the folder of its audio.
        kind: "bark", or the name of a teacher.
        model, device, dtype: as `Bark` takes them.
        voices: the teacher's voice for each voice that is asked for; any other is taken as it is.
        kokoro_voices: the file that `npm pack kokoro-js` writes.
    """

    name: str
    kind: str = MODEL
    model: str | None = None
    device: str | None = None
    dtype: str | None = None
    voices: Mapping[str, str] = field(default_factory=dict)
    kokoro_voices: str | None = None

    def make(self) -> Synthesizer:
        """The system.

        Raises:
            OptionError: there is no such kind of system.
            BarkError: the model or the teacher can't be loaded.
        """
        if self.kind == MODEL:
            return BarkSynthesizer(self)
        if self.kind in TEACHERS:
            file = self.kokoro_voices
            return TeacherSynthesizer(self.name, make_teacher(self.kind, Path(file) if file else None), self.voices)
        raise OptionError(f"there is no system {self.kind!r}; there are {MODEL}, {', '.join(TEACHERS)}")

    def key(self) -> str:
        """Tells audio of this system from that of another, or of the same folder before its weights changed.

        Raises:
            WeightsNotFoundError: there is no such model.
        """
        parts = [json.dumps(asdict(self), sort_keys=True)]
        if self.kind == MODEL and self.model:
            folder = find_checkpoint(self.model)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            parts += [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class BarkSynthesizer:
    """A model of this package with its default options.

    Raises:
        BarkError: the model can't be loaded.
    """

    def __init__(self, spec: SystemSpec) -> None:
        from bark.pipeline import Bark

        self.name = spec.name
        self._spec = spec
        self._bark = Bark(spec.model, spec.device, spec.dtype)
        self.sample_rate = self._bark.sample_rate

    def say(self, text: str, voice: str, seed: int) -> Audio:
        """What it says, the same for the same seed."""
        return self._bark.generate(text, voice, seed=seed).audio

    def preset(self, voice: str) -> Audio:
        """The voice's own codes, decoded."""
        import torch

        codes = torch.tensor(self._bark.voices.load(voice).fine)[None]  # [1, K, T]
        with torch.inference_mode():
            audio: Audio = self._codec().decode(codes)[0].float().numpy()
        return audio

    def _codec(self) -> Codec:
        from bark.checkpoints.opening import open_checkpoint
        from bark.settings import Settings

        model = self._spec.model or Settings.from_env().model
        return cast("Codec", open_checkpoint(find_checkpoint(model)).codec("cpu"))


class TeacherSynthesizer:
    """A teacher at its normal speed.

    Args:
        name: how the report calls it.
        teacher: who speaks.
        voices: its voice for each voice that is asked for; any other is taken as it is.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, name: str, teacher: Teacher, voices: Mapping[str, str]) -> None:
        self.name = name
        self._teacher = teacher
        self._voices = voices

    def say(self, text: str, voice: str, seed: int) -> Audio:
        """What it says; nothing where it has no phonemes for the text."""
        spoken = self._teacher.say(text, self._voices.get(voice, voice), 1.0, seed)
        return np.zeros(0, np.float32) if spoken is None else np.clip(spoken.audio, -1.0, 1.0)

    def preset(self, voice: str) -> Audio | None:
        """None: a teacher imitates no recording."""
        return None
