"""What a file says of itself: what is spoken, by whom, and that no person spoke it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LONGEST_TITLE = 100  # characters
LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Tags:
    """What is told of an utterance; all of it may be left out.

    Attributes:
        text: what is spoken.
        title: unless given, the beginning of the text.
        voice: its name.
        model: its name.
        seed: the one that gives the utterance again.
        software: what made it.
    """

    text: str = ""
    title: str = ""
    voice: str = ""
    model: str = ""
    seed: int | None = None
    software: str = "Bark"

    def fields(self) -> dict[str, str]:
        """The four fields that every format has: title, artist, comment, software; empty ones are left out.

        The comment says that the audio is synthetic, then model, voice, seed and text.
        """
        fields = {
            "title": shortened(self.title or self.text, LONGEST_TITLE),
            "artist": shortened(self.voice, LONGEST_TITLE),
            "comment": self._comment(),
            "software": shortened(self.software, LONGEST_TITLE),
        }
        return {name: value for name, value in fields.items() if value}

    def _comment(self) -> str:
        made = {"model": self.model, "voice": self.voice, "seed": "" if self.seed is None else str(self.seed)}
        told = ", ".join(f"{name} {shortened(value, LONGEST_TITLE)}" for name, value in made.items() if value)
        words = shortened(self.text, LONGEST_TEXT)
        return "Synthetic speech" + (f"; {told}" if told else "") + (f": {words}" if words else "")


def shortened(text: str, longest: int) -> str:
    """One line of at most `longest` characters that any format can hold; cut at a word where there is one.

    Surrogates that stand alone, which UTF-8 can't say, and control characters are left out.
    """
    text = text.encode("utf-8", "ignore").decode("utf-8")
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    word = cut.rfind(" ")
    return (cut[:word] if word > longest // 2 else cut) + "…"


def riff_info(tags: Tags) -> bytes:
    """The LIST chunk of a WAV file, in UTF-8."""
    names = {"title": b"INAM", "artist": b"IART", "comment": b"ICMT", "software": b"ISFT"}
    body = b"INFO"
    for name, value in tags.fields().items():
        data = value.encode() + b"\0"
        body += names[name] + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"LIST" + struct.pack("<I", len(body)) + body


def id3(tags: Tags) -> bytes:
    """The head of an MP3 file: ID3 2.3 (id3.org/id3v2.3.0), the one that every player reads, with UTF-16 text."""
    names = {"title": b"TIT2", "artist": b"TPE1", "software": b"TSSE"}
    body = b""
    for name, value in tags.fields().items():
        if name == "comment":
            body += _id3_frame(b"COMM", b"eng" + _utf16("") + b"\0\0" + _utf16(value))
        else:
            body += _id3_frame(names[name], _utf16(value))
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))  # seven bits a byte
    return b"ID3\3\0\0" + size + body


def _id3_frame(name: bytes, content: bytes) -> bytes:
    """A frame; the 1 before its content says that the text is UTF-16."""
    return name + struct.pack(">IH", len(content) + 1, 0) + b"\1" + content


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")
