"""The formats that audio is written in."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from bark.errors import OptionError, OutputError
from bark.files import check_target

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
HIGHEST_RATE = 192_000


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: what it is asked for by.
        suffixes: of its files, the usual one first.
        media_type: what HTTP calls it.
        rates: Hz that it can hold, rising; empty: any from `lowest_rate` to `HIGHEST_RATE`.
        bits: of a sample, the usual number first; 32 is float. Empty: it has no such thing.
        library: a package that it wants beyond those that are always there.
    """

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    rates: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    lowest_rate: int = 1
    library: str | None = None

    def rate_for(self, rate: int) -> int:
        """The rate that audio of `rate` is kept at: its own, or the next one above that the format can hold."""
        if not self.rates:
            return min(max(rate, self.lowest_rate), HIGHEST_RATE)
        return next((held for held in self.rates if held >= rate), self.rates[-1])


FORMATS = {
    format.name: format
    for format in (
        Format("wav", (".wav", ".wave"), "audio/wav", bits=(16, 24, 32)),
        Format("flac", (".flac",), "audio/flac", bits=(16, 24)),
        Format("mp3", (".mp3",), "audio/mpeg", MP3_RATES),
        Format("ogg", (".ogg", ".oga"), "audio/ogg; codecs=vorbis", lowest_rate=8000),
        Format("opus", (".opus",), "audio/ogg; codecs=opus", OPUS_RATES),
        Format("aac", (".aac",), "audio/aac", AAC_RATES, library="av"),
        Format("m4a", (".m4a", ".mp4"), "audio/mp4", AAC_RATES, library="av"),
        Format("pcm", (".pcm", ".raw"), "audio/pcm", bits=(16,)),
    )
}


def named_format(name: str) -> Format:
    """The format of a name.

    Raises:
        OutputError: there is none, or the library that writes it is not installed.
    """
    format = FORMATS.get(name.lower())
    if format is None:
        raise OutputError(f"there is no audio format {name!r}; there are {', '.join(FORMATS)}")
    if format.library and importlib.util.find_spec(format.library) is None:
        raise OutputError(f"{format.name} needs PyAV, which is not installed: pip install 'openbark[formats]'")
    return format


def format_of(path: str | os.PathLike[str], name: str | None = None) -> Format:
    """The format of a file: `name` if given, else what its suffix says; without a suffix it is WAV.

    Raises:
        OutputError: as `named_format`, or no format has such a suffix.
    """
    if name is not None:
        return named_format(name)
    suffix = Path(path).suffix.lower()
    if not suffix:
        return FORMATS["wav"]
    for format in FORMATS.values():
        if suffix in format.suffixes:
            return named_format(format.name)
    suffixes = ", ".join(format.suffixes[0] for format in FORMATS.values())
    raise OutputError(f"can't write {path}: no audio format is called {suffix}; name it one of {suffixes}")


def check_audio_path(path: str | os.PathLike[str], format: str | None = None) -> Format:
    """Finds out whether an audio file can be there, before the work is done.

    Returns:
        The format that it will have.

    Raises:
        OutputError: as `format_of`, or there is no such folder, or it may not be written.
    """
    found = format_of(path, format)
    check_target(path)
    return found


def check_rate(format: Format, sample_rate: int, output_rate: int | None) -> int:
    """The rate that the file will have.

    Raises:
        OptionError: a rate makes no sense, or the format can't hold the one asked for.
    """
    for rate in (sample_rate, output_rate):
        if rate is not None and not 1 <= rate <= HIGHEST_RATE:
            raise OptionError(f"a sample rate is 1 to {HIGHEST_RATE} Hz, not {rate}")
    if output_rate is None:
        return format.rate_for(sample_rate)
    if format.rate_for(output_rate) != output_rate:
        held = ", ".join(map(str, format.rates)) or f"{format.lowest_rate} to {HIGHEST_RATE}"
        raise OptionError(f"{format.name} can't hold {output_rate} Hz; it holds {held}")
    return output_rate


def check_bits(format: Format, bits: int | None) -> int:
    """Bits of a sample: as asked, else what is usual; 0 where the format has no such thing.

    Raises:
        OptionError: the format has no samples of so many bits.
    """
    if bits is None:
        return format.bits[0] if format.bits else 0
    if bits not in format.bits:
        held = " or ".join(map(str, format.bits)) or "compressed, and takes no number of bits"
        raise OptionError(f"{format.name} can't have {bits} bits a sample: it is {held}")
    return bits
