"""What a command writes beside its audio: captions, and a file for each speaker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bark.audio.formats import check_audio_path, format_of
from bark.errors import OutputError
from bark.files import reason

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bark.audio.writer import AudioWriter
    from bark.captions import Cue
    from bark.parts import Parts
    from bark.result import Utterance

BLOCK = 240_000  # samples of silence at a time
NARRATOR = "NARRATOR"


@dataclass(frozen=True)
class Beside:
    """What is wanted.

    Attributes:
        captions: files of them, .srt, .vtt or .json.
        by: `segment` or `word`.
        stems: a folder for a file of each speaker, as long as the whole.
        suffix: of these files.
    """

    captions: Sequence[str] = ()
    by: str = "segment"
    stems: Path | None = None
    suffix: str = ".wav"

    def check(self) -> None:
        """Finds out whether it can be written, before the work is done; makes the folder.

        Raises:
            OptionError: there are no such captions.
            OutputError: no file can be there.
        """
        from bark.captions.files import check_captions

        for path in self.captions:
            check_captions(path, self.by)
        if self.stems is not None:
            try:
                self.stems.mkdir(parents=True, exist_ok=True)
            except (OSError, ValueError) as error:
                told = reason(error) if isinstance(error, OSError) else error
                raise OutputError(f"can't make the folder {str(self.stems)!r}: {told}") from error
            check_audio_path(self.stems / f"stem{self.suffix}")


def stem_suffix(target: str | None, format: str | None) -> str:
    """The suffix of stems: that of the audio beside them."""
    if format is not None:
        return format_of("", format).suffixes[0]
    return (Path(target).suffix if target else "") or ".wav"


class Taking:
    """Takes what is spoken, piece by piece.

    Args:
        parts: of the model.
        wanted: what is to be made of it.
        sample_rate: Hz.
        stack: that the files are closed with.
    """

    def __init__(self, parts: Parts, wanted: Beside, sample_rate: int, stack: ExitStack) -> None:
        self._parts, self._wanted, self._rate, self._stack = parts, wanted, sample_rate, stack
        self._stems: dict[str, AudioWriter] = {}
        self._cues: list[Cue] = []
        self._samples = 0

    def take(self, piece: npt.NDArray[np.float32] | Utterance) -> None:
        """Audio, or the utterance that has just been heard.

        Raises:
            OutputError: a file can't be written.
        """
        from bark.captions import cues
        from bark.result import Utterance

        if not isinstance(piece, Utterance):
            self._samples += len(piece)
            return
        if self._wanted.captions:
            self._cues += cues(self._parts, [piece])
        if self._wanted.stems is not None:
            stem = self._stem(piece.speaker or NARRATOR)
            self._fill(stem, round(piece.start * self._rate))
            stem.write(piece.audio)

    def finish(self) -> None:
        """Writes the captions, and silence to the end of each stem."""
        from bark.captions.files import write_captions

        for stem in self._stems.values():
            self._fill(stem, self._samples)
        for path in self._wanted.captions:
            write_captions(path, self._cues, self._wanted.by)

    def _stem(self, speaker: str) -> AudioWriter:
        from bark.audio.writer import open_audio

        if speaker not in self._stems:
            assert self._wanted.stems is not None
            taken = {name_of(other).lower() for other in self._stems}
            name = name_of(speaker) if name_of(speaker).lower() not in taken else f"{name_of(speaker)}_{len(taken)}"
            file = open_audio(self._wanted.stems / f"{name}{self._wanted.suffix}", self._rate)
            self._stems[speaker] = self._stack.enter_context(file)
        return self._stems[speaker]

    def _fill(self, stem: AudioWriter, until: int) -> None:
        import numpy as np

        for start in range(stem.samples, until, BLOCK):
            stem.write(np.zeros(min(BLOCK, until - start), dtype=np.float32))


@contextmanager
def taking(parts: Parts, wanted: Beside) -> Iterator[Taking]:
    """Writes what is wanted when the block ends well; memory grows with the words alone.

    Raises:
        OutputError: a file can't be written.
    """
    with ExitStack() as stack:
        taken = Taking(parts, wanted, parts.config.tokens.sample_rate, stack)
        yield taken
        taken.finish()


def name_of(speaker: str) -> str:
    """A name for a file, in which nothing leads out of its folder."""
    return re.sub(r"\W+", "_", speaker).strip("_") or "speaker"
