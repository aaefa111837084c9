"""Writes audio to files and streams as it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from bark.audio.encoders import Encoder, make_encoder
from bark.audio.formats import check_audio_path, check_bits, check_rate, named_format
from bark.audio.samples import Floats, as_audio
from bark.audio.tags import Tags
from bark.errors import OutputError
from bark.files import reason, replacing

Target = str | os.PathLike[str] | BinaryIO
Paths = (str, os.PathLike)


class AudioWriter:
    """Takes audio piece by piece; made by `open_audio`.

    Attributes:
        samples: taken so far, at `sample_rate`.
        sample_rate: Hz, of what is taken.
    """

    def __init__(self, file: BinaryIO, encoder: Encoder, sample_rate: int, *, room: bool, name: str) -> None:
        self.samples = 0
        self.sample_rate = sample_rate
        self._file, self._encoder, self._room, self._name = file, encoder, room, name
        self._start = file.tell() if room else 0

    @property
    def duration(self) -> float:
        """Seconds taken so far."""
        return self.samples / self.sample_rate

    def write(self, audio: Floats) -> None:
        """Takes audio [T] in [−1, 1], of any length; what is beyond is clipped.

        Raises:
            AudioError: it is not one row of finite floats.
            OutputError: the file can't be written.
        """
        checked = as_audio(audio)
        self._put(self._encoder.encode(checked))
        self.samples += len(checked)

    def finish(self) -> None:
        """Writes the rest; `open_audio` does it when its block ends well.

        Raises:
            OutputError: the file can't be written.
        """
        self._put(self._encoder.finish())
        try:
            if self._room:
                self._patch()
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def _put(self, data: bytes) -> None:
        try:
            if data:
                self._file.write(data)
        except OSError as error:
            raise self._failure(error) from error

    def _patch(self) -> None:
        for place, data in self._encoder.patches:
            self._file.seek(self._start + place)
            self._file.write(data)
        self._file.seek(0, os.SEEK_END)

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"can't write {self._name}: {reason(error)}")


class _LeftError(Exception):
    """The caller's block ended in an OSError of its own."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def open_audio(
    target: Target,
    sample_rate: int,
    *,
    format: str | None = None,
    output_rate: int | None = None,
    bits: int | None = None,
    tags: Tags | None = None,
) -> Iterator[AudioWriter]:
    """Opens a file or a stream to write audio to; memory does not grow with its length.

    A file is there whole, once the block has ended well, or not at all: if the block fails, what was there
    before stays. A stream gets the audio as it comes.

    Args:
        target: a path, or a binary stream such as `sys.stdout.buffer`, which stays open.
        sample_rate: Hz, of the audio that will be written.
        format: wav, flac, mp3, ogg, opus, aac, m4a or pcm; unless given, what the suffix says, or WAV.
        output_rate: Hz, of the file; unless given, the same or the next one above that the format can hold.
        bits: of a sample: 16, 24 or 32 (float) of WAV, 16 or 24 of FLAC.
        tags: for the file's metadata; raw PCM and bare AAC have none.

    Raises:
        OptionError: the format can't hold such a rate or so many bits.
        OutputError: as `check_audio_path`, or the file can't be written.
    """
    kind = check_audio_path(target, format) if isinstance(target, Paths) else named_format(format or "wav")
    check_rate(kind, sample_rate, output_rate)
    check_bits(kind, bits)
    name = str(target) if isinstance(target, Paths) else "the audio"
    try:
        with _opened(target) as file:
            room = _goes_back(file)
            encoder = make_encoder(kind, sample_rate, output_rate=output_rate, bits=bits, tags=tags, room=room)
            with closing(encoder):
                writer = AudioWriter(file, encoder, sample_rate, room=room, name=name)
                try:
                    yield writer
                except OSError as error:  # `replacing` would take the caller's own for one of writing
                    raise _LeftError(error) from error
                writer.finish()
    except _LeftError as left:
        raise left.error from left.error.__cause__


def write_audio(
    path: str | os.PathLike[str],
    audio: Floats,
    sample_rate: int,
    *,
    format: str | None = None,
    output_rate: int | None = None,
    bits: int | None = None,
    tags: Tags | None = None,
) -> None:
    """Writes audio [T] to a file, whole or not at all; see `open_audio`.

    Raises:
        AudioError: the audio is not one row of finite floats.
        OptionError, OutputError: as `open_audio`.
    """
    with open_audio(path, sample_rate, format=format, output_rate=output_rate, bits=bits, tags=tags) as file:
        file.write(audio)


@contextmanager
def _opened(target: Target) -> Iterator[BinaryIO]:
    if not isinstance(target, Paths):
        yield target
        return
    with replacing(target) as path, path.open("wb") as file:
        yield file


def _goes_back(file: BinaryIO) -> bool:
    """Whether a head can be written over: not in a pipe, nor where all is appended (`>> file`)."""
    try:
        if not file.seekable():
            return False
        import fcntl

        return not fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND
    except (ImportError, OSError, ValueError):  # not POSIX, or no file of the system
        return True
