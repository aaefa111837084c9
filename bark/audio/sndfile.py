"""Compressed audio by libsndfile: FLAC, MP3, Vorbis, Opus."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import soundfile

from bark.audio.samples import Audio, as_audio, as_int16, as_int24
from bark.audio.tags import Tags, id3
from bark.errors import AudioError, OutputError

KINDS = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
CONSTANT_RATE = {"bitrate_mode": "CONSTANT", "compression_level": 0.5}  # without a length in its head, MP3 is
# taken to be as long as its first frame says; 80 kbit/s at 24 kHz
PAGE_LATENCY = 0x1302  # SFC_SET_OGG_PAGE_LATENCY_MS of sndfile.h
LONGEST_PAGE = 100.0  # ms of Opus that a listener waits for; libsndfile's own is a second


class Sink:
    """What libsndfile writes to: keeps new bytes until they are taken, and notes what is written over old ones."""

    def __init__(self) -> None:
        self.patches: list[tuple[int, bytes]] = []
        self._new = bytearray()
        self._position = self._end = 0

    def write(self, data: bytes) -> int:
        data = bytes(data)
        old = data[: max(0, self._end - self._position)]
        if old:
            self.patches.append((self._position, old))
        self._new += data[len(old) :]
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        raise io.UnsupportedOperation("not readable")

    def take(self) -> bytes:
        """What has been appended since the last time."""
        new, self._new = bytes(self._new), bytearray()
        return new


class SndfileEncoder:
    """A file that libsndfile makes.

    `patches`, once it is finished, give the length and the checksum in the head of FLAC, and in MP3's the
    length with the encoder's delay, so that players leave out its padding.
    """

    def __init__(self, name: str, sample_rate: int, bits: int, tags: Tags | None) -> None:
        """Args:
        name: of the format: flac, mp3, ogg or opus.
        sample_rate: Hz, that the format can hold.
        bits: 16 or 24, of FLAC.
        tags: for the head.

        Raises:
            OutputError: this libsndfile can't write the format.
        """
        self.patches: tuple[tuple[int, bytes], ...] = ()
        self._bits = bits
        self._sink = Sink()
        # libsndfile's own ID3 spoils what is not Latin
        self._head = id3(tags) if tags is not None and name == "mp3" else b""
        self._before = len(self._head)
        self._file = _opened(self._sink, name, sample_rate, bits)
        if tags is not None and name != "mp3":
            for field, value in tags.fields().items():
                setattr(self._file, field, value)

    def encode(self, audio: Audio) -> bytes:
        """What is ready after audio [T]."""
        if len(audio):
            self._file.write(_samples(audio, self._bits))
        return self._taken()

    def finish(self) -> bytes:
        """The rest.

        Raises:
            AudioError: there was no audio; a file of nothing would not open.
        """
        if not self._file.frames:
            raise AudioError("there is no audio to write")
        self._file.close()
        rest = self._taken()
        self.patches = tuple((self._before + place, data) for place, data in self._sink.patches)
        return rest

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _taken(self) -> bytes:
        head, self._head = self._head, b""
        return head + self._sink.take()


def _opened(sink: Sink, name: str, sample_rate: int, bits: int) -> soundfile.SoundFile:
    format, subtype = KINDS.get(name) or ("FLAC", f"PCM_{bits}")
    options: dict[str, Any] = CONSTANT_RATE if name == "mp3" else {}
    try:
        file = soundfile.SoundFile(sink, "w", sample_rate, 1, subtype, format=format, **options)
    except (ValueError, soundfile.LibsndfileError) as error:
        raise OutputError(f"libsndfile {soundfile.__libsndfile_version__} can't write {name}: {error}") from error
    if name == "opus":
        _shorten_pages(file)
    return file


def _shorten_pages(file: soundfile.SoundFile) -> None:
    """Has Opus given out early; soundfile has no public name for this, and without it all works but later."""
    library, ffi = getattr(soundfile, "_snd", None), getattr(soundfile, "_ffi", None)
    handle = getattr(file, "_file", None)
    if library is not None and ffi is not None and handle is not None:
        library.sf_command(handle, PAGE_LATENCY, ffi.new("double*", LONGEST_PAGE), 8)


def _samples(audio: Audio, bits: int) -> np.ndarray[Any, Any]:
    if bits == 16:
        return as_int16(audio)
    if bits == 24:
        return as_int24(audio) << 8  # libsndfile reads the upper three bytes
    return as_audio(audio).clip(-1, 1)
