"""Uncompressed audio: WAV, and samples alone.

WAV is written here, not by a library, because those go back to the head of the file when its length is known;
into a pipe, that can't be.
"""

from __future__ import annotations

import struct

import numpy as np

from bark.audio.samples import Audio, as_audio, as_int16, as_int24
from bark.audio.tags import Tags, riff_info

UNKNOWN = 0xFFFFFFFF  # the length of what is still being written
PCM, FLOAT = 1, 3


class PcmEncoder:
    """Little-endian 16-bit samples and nothing else."""

    patches: tuple[tuple[int, bytes], ...] = ()

    def encode(self, audio: Audio) -> bytes:
        """Audio [T] as bytes."""
        return as_int16(audio).tobytes()

    def finish(self) -> bytes:
        """Nothing more."""
        return b""

    def close(self) -> None:
        """Nothing is held."""


class WavEncoder:
    """A WAV file, mono.

    Its head gives no length, which players take for "to the end". `patches` give it afterwards, with the
    64-bit lengths of RF64 (EBU Tech 3306) in the place that a JUNK chunk keeps, where 32 bits are too few.
    """

    def __init__(self, sample_rate: int, bits: int, tags: Tags | None, *, room: bool) -> None:
        """Args:
        sample_rate: Hz.
        bits: 16, 24, or 32 for float.
        tags: for the INFO chunk.
        room: whether to keep the place that `patches` want.
        """
        self.patches: tuple[tuple[int, bytes], ...] = ()
        self._bits, self._room = bits, room
        self._head = _head(sample_rate, bits, tags, room)
        self._start = len(self._head)
        self._size = 0

    def encode(self, audio: Audio) -> bytes:
        """Audio [T] as bytes, after the head if this is the first."""
        data = _samples(audio, self._bits)
        self._size += len(data)
        head, self._head = self._head, b""
        return head + data

    def finish(self) -> bytes:
        """What an even length wants, as RIFF does."""
        padding = b"\0" * (self._size % 2)
        if self._room:
            self.patches = _lengths(self._start, self._size, len(padding), self._bits // 8)
        head, self._head = self._head, b""
        return head + padding

    def close(self) -> None:
        """Nothing is held."""


def _head(sample_rate: int, bits: int, tags: Tags | None, room: bool) -> bytes:
    width = bits // 8
    kind = FLOAT if bits == 32 else PCM
    head = b"RIFF" + struct.pack("<I", UNKNOWN) + b"WAVE"
    if room:
        head += b"JUNK" + struct.pack("<I", 28) + bytes(28)
    head += b"fmt " + struct.pack("<IHHIIHH", 16, kind, 1, sample_rate, sample_rate * width, width, bits)
    if tags is not None:
        head += riff_info(tags)
    return head + b"data" + struct.pack("<I", UNKNOWN)


def _lengths(start: int, size: int, padding: int, width: int) -> tuple[tuple[int, bytes], ...]:
    """What is to be written over the head of `start` bytes now that `size` bytes of samples follow it."""
    whole = start + size + padding - 8
    if whole < UNKNOWN:
        return (4, struct.pack("<I", whole)), (start - 4, struct.pack("<I", size))
    return (0, b"RF64"), (12, b"ds64" + struct.pack("<IQQQI", 28, whole, size, size // width, 0))


def _samples(audio: Audio, bits: int) -> bytes:
    if bits == 16:
        return as_int16(audio).tobytes()
    if bits == 24:
        return as_int24(audio).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return as_audio(audio).astype("<f4").tobytes()
