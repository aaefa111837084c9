"""A process of its own that makes one voice of one recording, and ends.

What a stranger has sent is decoded here, where a fault of a library ends nothing else.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bark.errors import BarkError
from bark.server.model import read_card

TOLD = 3  # exit status where the answer is a BarkError
CPU_SECONDS = 300
FILE_BYTES = 64 << 20  # of each file that is written


@dataclass(frozen=True)
class Making:
    """What is to be made.

    Attributes:
        model: name or folder; None for that of the environment.
        recording: file with the content of an upload.
        voice: npz file to be written.
        longest: seconds of the recording.
        consent_by: who says that the speaker agrees.
        language: in whose preset's manner the voice reads.
    """

    model: str | None
    recording: str
    voice: str
    longest: float
    consent_by: str
    language: str = "en"

    def line(self) -> bytes:
        """As the process reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


def make(asked: Making) -> None:
    """Makes it.

    Raises:
        AudioError: the recording can't be read, or won't do.
        CheckpointError: the model can't make voices of recordings.
    """
    import hashlib

    from bark.audio.read import read_audio

    data = Path(asked.recording).read_bytes()
    rate = read_card(asked.model).tokens.sample_rate
    audio = read_audio(data, rate, longest=asked.longest)  # before torch is loaded, which takes a second

    from bark.pipeline import Bark
    from bark.rehearsal import Rehearsal
    from bark.voices import Consent, create_voice, reader

    bark = Bark(asked.model, "cpu")
    voice = create_voice(
        audio,
        rate,
        bark.parts,
        name="voice",
        consent=Consent.now(asked.consent_by),
        manner=reader(bark.parts, asked.language),
        sha256=hashlib.sha256(data).hexdigest(),
        embed=_embed(),
        rehearse=Rehearsal(bark, asked.language),
    )
    voice.save(asked.voice)


def _embed() -> Any:
    """What tells speakers apart, where it is installed."""
    from bark.evaluation.judges import SpeakerJudge

    try:
        return SpeakerJudge().embed
    except BarkError:
        return None


def _bound() -> None:
    """Limits what this process may take, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Reads what is asked from standard input; what the recording lacks goes to standard output, as JSON."""
    asked = Making(**json.loads(sys.stdin.readline()))
    _bound()
    warnings.simplefilter("ignore")
    try:
        make(asked)
    except BarkError as error:
        print(json.dumps({"kind": type(error).__name__, "text": str(error)}))
        return TOLD
    return 0


if __name__ == "__main__":
    sys.exit(main())
