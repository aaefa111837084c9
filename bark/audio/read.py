"""Reads recordings that people bring, trusting nothing that a file says of itself."""

from __future__ import annotations

import importlib.util
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from bark.audio.resample import ResampleStream
from bark.audio.samples import Audio
from bark.errors import AudioError
from bark.files import reason

LONGEST = 600.0  # seconds
LARGEST = 256 * 2**20  # bytes
RATES = (1000, 384_000)
MOST_CHANNELS = 16
LOUDEST = 100.0  # beyond it a file of floats is on some other scale than [−1, 1]
BLOCK = 65_536  # frames
# what FFmpeg may take a file for: playlists among its formats would have it open others
CONTAINERS = "mov,mp4,m4a,3gp,matroska,webm,aac,asf,amr,caf,flac,mp3,ogg,wav"


class Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Reads from the beginning to the end; in a FLAC of unknown length libsndfile can't seek, but says it can."""

    def seekable(self) -> bool:
        return False


def read_audio(
    source: str | os.PathLike[str] | bytes,
    sample_rate: int,
    *,
    longest: float = LONGEST,
    largest: int = LARGEST,
) -> Audio:
    """Reads a recording: wav, flac, ogg, opus, mp3, aiff and more; with PyAV also m4a, aac, webm, mp4.

    Args:
        source: a path, or the content of a file.
        sample_rate: Hz, that the audio will have.
        longest: seconds; decoding stops there.
        largest: bytes.

    Returns:
        [T], the mean of the channels.

    Raises:
        AudioError: it can't be read, is no audio, empty, broken, too large or too long, or holds what is no sample.
    """
    name = "the recording" if isinstance(source, bytes) else str(source)
    try:
        with _opened(source, name, largest) as file:
            return _converted(_decoded(file, name), sample_rate, longest, name)
    except OSError as error:
        raise AudioError(f"can't read {name}: {reason(error)}") from error


def _opened(source: str | os.PathLike[str] | bytes, name: str, largest: int) -> BinaryIO:
    if not isinstance(source, bytes) and Path(source).exists() and not Path(source).is_file():
        raise AudioError(f"can't read {name}: it is not a file")
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size > largest:
        raise AudioError(f"{name} is too large: {size / 1e6:.0f} MB; {largest / 1e6:.0f} MB are allowed")
    if not size:
        raise AudioError(f"{name} is empty")
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _converted(blocks: Iterator[tuple[Audio, int]], sample_rate: int, longest: float, name: str) -> Audio:
    """All blocks [T] at their rate as one [T'] at `sample_rate`."""
    stream: ResampleStream | None = None
    parts, seconds = [], 0.0
    for block, rate in blocks:
        seconds += len(block) / rate
        if seconds > longest:
            raise AudioError(f"{name} is too long: at most {longest:g} seconds are allowed")
        if not np.isfinite(block).all() or np.abs(block).max(initial=0) > LOUDEST:
            raise AudioError(f"{name} has samples that are no finite numbers near [−1, 1]")
        stream = stream or ResampleStream(rate, sample_rate)
        parts.append(stream.push(block))
    if stream is None or not seconds:
        raise AudioError(f"{name} has no audio in it")
    return np.concatenate([*parts, stream.finish()])


def _decoded(file: BinaryIO, name: str) -> Iterator[tuple[Audio, int]]:
    """Blocks [T], mono, each with its rate, by whichever library knows the file."""
    try:
        sound = Forward(file)
    except soundfile.LibsndfileError as error:
        if importlib.util.find_spec("av") is None:
            known = f"{name} is not audio that is known here ({error.error_string})"
            raise AudioError(f"{known}; for m4a, aac and webm: pip install 'openbark[formats]'") from error
        file.seek(0)
        return _by_ffmpeg(file, name)
    return _by_libsndfile(sound, name)


def _by_libsndfile(sound: soundfile.SoundFile, name: str) -> Iterator[tuple[Audio, int]]:
    with sound:
        _check_layout(sound.samplerate, sound.channels, name)
        told, read = _told_frames(sound), 0
        try:
            while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
                read += len(block)
                yield block.mean(axis=1), sound.samplerate
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{name} is broken after {read / sound.samplerate:.1f} seconds: {error}") from error
        if read < told:
            seconds = told / sound.samplerate
            raise AudioError(f"{name} is broken: it ends at {read / sound.samplerate:.1f} of {seconds:.1f} seconds")


def _told_frames(sound: soundfile.SoundFile) -> int:
    """Frames that the head promises. Of WAV libsndfile corrects them by what is there, and logs what it read."""
    unknown, frames, channels = 2**31 - 1, int(sound.frames), int(sound.channels)
    told = re.search(r"data : (\d+) \(should be", sound.extra_info)
    if told and 0 < int(told[1]) < unknown:
        width = {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "DOUBLE": 8}.get(sound.subtype, 4)
        return int(told[1]) // (width * channels)
    return frames if 0 < frames < unknown and sound.format != "MP3" else 0


def _check_layout(rate: int, channels: int, name: str) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"{name} has {rate} samples a second; {RATES[0]} to {RATES[1]} are allowed")
    if not 1 <= channels <= MOST_CHANNELS:
        raise AudioError(f"{name} has {channels} channels; at most {MOST_CHANNELS} are allowed")


def _by_ffmpeg(file: BinaryIO, name: str) -> Iterator[tuple[Audio, int]]:
    import av

    seconds = 0.0
    try:
        with av.open(file, "r", options={"format_whitelist": CONTAINERS}, io_open=_no_other_file) as container:
            if not container.streams.audio:
                raise AudioError(f"{name} has no audio in it")
            stream = container.streams.audio[0]
            if stream.codec_context is None:  # FFmpeg has no decoder for it; then it has no rate either
                raise AudioError(f"{name} is in a format that can't be decoded")
            rate, channels = stream.rate, stream.channels
            _check_layout(rate, channels, name)
            to_mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
            for frame in container.decode(audio=0):
                for part in to_mono.resample(frame):
                    seconds += part.samples / rate
                    yield part.to_ndarray()[0], rate
            promised = container.duration / av.time_base if container.duration else 0.0
    except (av.FFmpegError, EOFError) as error:
        what = f"is broken after {seconds:.1f} seconds" if seconds else "is not audio that is known here"
        raise AudioError(f"{name} {what}: {error}") from error
    if seconds < promised - 1.0:
        raise AudioError(f"{name} is broken: it ends at {seconds:.1f} of {promised:.1f} seconds")


def _no_other_file(url: str, flags: int, options: dict[str, Any]) -> BinaryIO:
    raise AudioError(f"a recording may not refer to other files: {url}")
