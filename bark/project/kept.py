"""Lines and voices as they are kept in a project."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bark.errors import OptionError, ProjectError, VoiceError
from bark.lines import MAX_PAUSE, Line
from bark.options import MAX_SEED, GenerateOptions, SamplingOptions
from bark.project.fields import Fields
from bark.tokens import TokenSpace
from bark.voices import Voice

VOICE_FILE = re.compile(r"[0-9a-f]{16}\.npz")
STAGES = ("semantic", "coarse", "fine")


class Voices:
    """Voices in a folder, each once, in a file that is called by what is in it.

    Args:
        folder: of them.
        space: of the model.
    """

    def __init__(self, folder: Path, space: TokenSpace) -> None:
        self._folder, self._space = folder, space
        self._loaded: dict[str, Voice] = {}

    def keep(self, voice: Voice | None) -> dict[str, Any] | None:
        """What a line says of its voice, which is there from now on."""
        if voice is None:
            return None
        name = f"{digest_of(voice)}.npz"
        if name not in self._loaded:
            path = self._folder / name
            if not path.exists():
                voice.save(path)
            self._loaded[name] = voice
        return {"name": voice.name, "file": name}

    def load(self, fields: Fields, key: str = "voice") -> Voice | None:
        """The voice of a line, checked.

        Raises:
            ProjectError: it isn't there, or isn't what it was.
        """
        if fields.none(key):
            return None
        entry = fields.object(key)
        name, file = entry.text("name"), entry.text("file")
        if file not in self._loaded:
            path = inside(self._folder, file, VOICE_FILE)
            try:
                found = Voice.from_npz(path, name).check(self._space)
            except VoiceError as error:
                raise ProjectError(f"{path} is damaged: {error}") from error
            if digest_of(found) != path.stem:
                raise ProjectError(f"{path} is not the voice that it was when it was written")
            self._loaded[file] = found
        return replace(self._loaded[file], name=name)


def digest_of(voice: Voice) -> str:
    """What differs when the tokens do, or what is done to their sound."""
    found = hashlib.sha256()
    for array in (voice.semantic, voice.coarse, voice.fine, voice.manner):
        if array is not None:
            found.update(str(array.shape).encode() + array.astype("<i8").tobytes())
    if voice.equalizer is not None:
        found.update(voice.equalizer.astype("<f4").tobytes())
    return found.hexdigest()[:16]


def inside(folder: Path, name: str, kind: re.Pattern[str]) -> Path:
    """The path of a file of a folder, which it doesn't leave, be it by links.

    Raises:
        ProjectError: it would, or the file isn't called as such files are.
    """
    path = folder / name
    if not kind.fullmatch(name) or path.resolve().parent != folder.resolve():
        raise ProjectError(f"{folder} is damaged: a file of it can't be {name[:80]!r}")
    return path


def line_values(line: Line, voices: Voices) -> dict[str, Any]:
    """A line whose voice is loaded, as JSON values."""
    assert line.voice is None or isinstance(line.voice, Voice)
    return {
        "text": line.text,
        "pause": line.pause,
        "voice": voices.keep(line.voice),
        "speaker": line.speaker,
        "language": line.language,
        "seed": line.seed,
        "options": None if line.options is None else asdict(line.options),
    }


def line_of(fields: Fields, voices: Voices) -> Line:
    """The line of such values.

    Raises:
        ProjectError: they are damaged.
    """
    return Line(
        text=fields.text("text"),
        pause=fields.number("pause", 0, MAX_PAUSE),
        voice=voices.load(fields),
        options=_options(fields),
        seed=fields.whole("seed", 0, MAX_SEED),
        speaker=None if fields.none("speaker") else fields.text("speaker"),
        language=None if fields.none("language") else fields.text("language"),
    )


def _options(fields: Fields) -> GenerateOptions:
    values = fields.values("options")
    try:
        stages = {name: SamplingOptions(**values[name]) for name in STAGES}
        return GenerateOptions(**{**values, **stages})
    except (TypeError, KeyError, OptionError) as error:
        raise ProjectError(f"{fields.where} is damaged: its options: {error}") from error
