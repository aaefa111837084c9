"""Audio to bytes, piece by piece."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Protocol

from bark.audio.formats import Format, check_bits, check_rate, named_format
from bark.audio.resample import ResampleStream
from bark.audio.samples import Audio, Floats, as_audio
from bark.audio.tags import Tags
from bark.audio.wav import PcmEncoder, WavEncoder


class Encoder(Protocol):
    """Makes a file from audio as it comes.

    Attributes:
        patches: places in the file and what is to be written over there, once it is finished, by who can go
            back. Without that the file is good too, but does not tell its length.
    """

    patches: tuple[tuple[int, bytes], ...]

    def encode(self, audio: Audio) -> bytes:
        """What is ready after audio [T]."""
        ...

    def finish(self) -> bytes:
        """The rest of the file."""
        ...

    def close(self) -> None:
        """Lets go of what it holds; needed where the file is given up, harmless after `finish`."""
        ...


class RateEncoder:
    """Converts the rate on the way to another encoder."""

    def __init__(self, encoder: Encoder, input_rate: int, output_rate: int) -> None:
        self._encoder = encoder
        self._stream = ResampleStream(input_rate, output_rate)
        self.patches: tuple[tuple[int, bytes], ...] = ()

    def encode(self, audio: Audio) -> bytes:
        """What is ready after audio [T]."""
        return self._encoder.encode(self._stream.push(audio))

    def finish(self) -> bytes:
        """The rest."""
        data = self._encoder.encode(self._stream.finish()) + self._encoder.finish()
        self.patches = self._encoder.patches
        return data

    def close(self) -> None:
        """Lets go of the other encoder."""
        self._encoder.close()


def make_encoder(
    format: Format,
    sample_rate: int,
    *,
    output_rate: int | None = None,
    bits: int | None = None,
    tags: Tags | None = None,
    room: bool = False,
) -> Encoder:
    """An encoder for one file.

    Args:
        format: of the file.
        sample_rate: Hz, of the audio that will be given.
        output_rate: Hz, of the file; unless given, the same or the next one above that the format can hold.
        bits: of a sample, where it isn't compressed; 32 is float.
        tags: for the file's metadata; raw PCM and bare AAC have none.
        room: whether the caller will write the `patches`.

    Raises:
        OptionError: the format can't hold such a rate or so many bits.
        OutputError: the library at hand can't write it.
    """
    rate = check_rate(format, sample_rate, output_rate)
    encoder = _encoder(format.name, rate, check_bits(format, bits), tags, room)
    return encoder if rate == sample_rate else RateEncoder(encoder, sample_rate, rate)


def _encoder(name: str, rate: int, bits: int, tags: Tags | None, room: bool) -> Encoder:
    if name == "pcm":
        return PcmEncoder()
    if name == "wav":
        return WavEncoder(rate, bits, tags, room=room)
    if name in ("aac", "m4a"):
        from bark.audio.aac import AacEncoder

        return AacEncoder(name, rate, tags, room=room)
    from bark.audio.sndfile import SndfileEncoder

    return SndfileEncoder(name, rate, bits, tags)


def encode_stream(
    chunks: Iterable[Floats],
    sample_rate: int,
    format: str = "wav",
    *,
    output_rate: int | None = None,
    bits: int | None = None,
    tags: Tags | None = None,
) -> Iterator[bytes]:
    """Encodes audio while it is made, for a pipe or a socket.

    Args:
        chunks: audio [T] in [−1, 1], of any lengths; what is beyond is clipped.
        sample_rate: Hz, of the chunks.
        format: wav, flac, mp3, ogg, opus, aac, m4a or pcm.
        output_rate: Hz, of the file; see `make_encoder`.
        bits: of a sample; see `make_encoder`.
        tags: for the file's metadata.

    Returns:
        The file in pieces, none of them empty, each as soon as it is ready.

    Raises:
        OptionError, OutputError: as `make_encoder`, `named_format`; at once, before a chunk is asked for.
        AudioError: a chunk is not one row of finite floats.
    """
    kind = named_format(format)
    check_rate(kind, sample_rate, output_rate)
    check_bits(kind, bits)
    # made only once it is begun: what never begins is never closed
    return _pieces(lambda: make_encoder(kind, sample_rate, output_rate=output_rate, bits=bits, tags=tags), chunks)


def _pieces(make: Callable[[], Encoder], chunks: Iterable[Floats]) -> Iterator[bytes]:
    encoder = make()
    try:
        for chunk in chunks:
            if data := encoder.encode(as_audio(chunk)):
                yield data
        if data := encoder.finish():
            yield data
    finally:
        encoder.close()


def encode_audio(
    audio: Floats,
    sample_rate: int,
    format: str = "wav",
    *,
    output_rate: int | None = None,
    bits: int | None = None,
    tags: Tags | None = None,
) -> bytes:
    """A whole file, as `encode_stream` but with its length told in the head.

    Raises:
        AudioError, OptionError, OutputError: as `encode_stream`.
    """
    kind = named_format(format)
    encoder = make_encoder(kind, sample_rate, output_rate=output_rate, bits=bits, tags=tags, room=True)
    file = io.BytesIO()
    with closing(encoder):
        file.write(encoder.encode(as_audio(audio)))
        file.write(encoder.finish())
    for place, data in encoder.patches:
        file.seek(place)
        file.write(data)
    return file.getvalue()
