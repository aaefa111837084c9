"""Voices that clients have brought, kept in files whose names they never choose."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bark.errors import OutputError, VoiceError
from bark.files import reason, replacing
from bark.voices import Voice

ID = re.compile(r"voice_[0-9a-f]{16}")
NAME = re.compile(r"[^\W_](?:[\w .'-]{0,62}[\w.'])?")  # letters and digits of any script; no slash, no control sign


@dataclass(frozen=True)
class Kept:
    """What is known of a voice beside its tokens.

    Attributes:
        id: of its files, made here.
        name: as the client calls it.
        created: seconds since 1970.
    """

    id: str
    name: str
    created: int


class Shelf:
    """A folder with one for each owner, in it `ID.npz` and `ID.json` of each voice.

    Args:
        folder: made when the first voice comes.
        most: voices of an owner.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most

    def kept(self, owner: str) -> list[Kept]:
        """An owner's voices, the oldest first."""
        found = [kept for path in (self._folder / owner).glob("voice_*.json") if (kept := _known(path)) is not None]
        return sorted(found, key=lambda kept: (kept.created, kept.id))

    def find(self, owner: str, wanted: str) -> Kept | None:
        """The voice of this id or this name, that is only ever compared with those that are there."""
        matching = [kept for kept in self.kept(owner) if wanted in (kept.id, kept.name)]
        return matching[0] if matching else None

    def load(self, owner: str, kept: Kept) -> Voice:
        """A voice that `find` or `kept` gave.

        Raises:
            VoiceError: its file is gone or damaged.
        """
        return read(self._path(owner, kept.id, ".npz"), kept.name)

    def add(self, owner: str, name: str, voice: Voice) -> Kept:
        """Keeps a voice.

        Raises:
            VoiceError: the name is none, is taken, or the owner has as many voices as may be.
            OutputError: it can't be written.
        """
        self.check(owner, name)
        kept = Kept(f"voice_{secrets.token_hex(8)}", name, int(time.time()))
        try:
            (self._folder / owner).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"can't make the folder of voices: {reason(error)}") from error
        voice.save(self._path(owner, kept.id, ".npz"))
        with replacing(self._path(owner, kept.id, ".json")) as path:  # last: what has no json isn't there
            path.write_text(json.dumps(asdict(kept)), encoding="utf-8")
        return kept

    def check(self, owner: str, name: str) -> None:
        """Finds out whether a voice may come, before it is made; raises `VoiceError` as `add` does."""
        if not NAME.fullmatch(name):
            raise VoiceError("the name of a voice is 1 to 64 letters, digits, spaces, and . ' - _")
        voices = self.kept(owner)
        if len(voices) >= self._most:
            raise VoiceError(f"there are {len(voices)} voices, and {self._most} are allowed; delete one first")
        if any(kept.name.casefold() == name.casefold() for kept in voices):
            raise VoiceError(f"there is a voice {name!r} already; delete it first, or choose another name")

    def delete(self, owner: str, kept: Kept) -> None:
        """Removes a voice that `find` or `kept` gave."""
        for suffix in (".json", ".npz"):
            self._path(owner, kept.id, suffix).unlink(missing_ok=True)

    def _path(self, owner: str, voice_id: str, suffix: str) -> Path:
        if not ID.fullmatch(voice_id):  # they are made here; whatever else comes is a fault of the code
            raise ValueError(f"not an id of a voice: {voice_id!r}")
        return self._folder / owner / f"{voice_id}{suffix}"


def read(path: Path, name: str) -> Voice:
    """A voice of a file, whose path its client never sees.

    Raises:
        VoiceError: it is gone or damaged.
    """
    try:
        return Voice.from_npz(path, name)
    except VoiceError as error:
        raise VoiceError(f"the file of the voice {name} is gone or damaged") from error


def _known(path: Path) -> Kept | None:
    """What a file says; None where it is gone or is none of ours."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kept = Kept(str(values["id"]), str(values["name"]), int(values["created"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if kept.id == path.stem and ID.fullmatch(kept.id) else None
