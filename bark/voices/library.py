"""The voices that come with a checkpoint."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from bark.errors import VoiceError
from bark.tokens import TokenSpace
from bark.voices.voice import Voice


class VoiceLibrary:
    """Voices by name: `v2/en_speaker_0` is the file `v2/en_speaker_0.npz` of a folder.

    Args:
        folder: where the files are; it need not exist.
        space: of the model that is to speak.
    """

    def __init__(self, folder: str | os.PathLike[str], space: TokenSpace) -> None:
        self._folder = Path(folder)
        self._space = space
        self._loaded: dict[str, Voice] = {}

    def names(self) -> list[str]:
        """Names of all voices, sorted."""
        return voice_names(self._folder)

    def load(self, voice: str | os.PathLike[str] | Voice) -> Voice:
        """A voice that suits the model.

        Args:
            voice: a name of the library, the path of an npz file, or a voice.

        Raises:
            VoiceError: there is none of that name, or it is not a voice of this model.
        """
        if isinstance(voice, Voice):
            return voice.check(self._space)
        name = os.fspath(voice)
        if name not in self._loaded and name in self.names():
            self._loaded[name] = Voice.from_npz(self._folder / f"{name}.npz", name).check(self._space)
        if name in self._loaded:
            return self._loaded[name]
        if isinstance(voice, os.PathLike) or name.endswith(".npz"):
            return Voice.from_npz(name).check(self._space)
        raise VoiceError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        names = self.names()
        if not names:
            return f"there is no voice {name!r}: this model has no voices of its own; name an npz file"
        tails = {known.rpartition("/")[2]: known for known in names}  # en_speaker_0 is near v2/en_speaker_0
        near = difflib.get_close_matches(name, [*names, *tails], n=5, cutoff=0.6)
        found = list(dict.fromkeys(tails.get(hit, hit) for hit in near))[:3]
        hint = f"did you mean {' or '.join(found)}?" if found else "`bark voices list` shows them all"
        return f"there is no voice {name!r}; {hint}"


def voice_names(folder: Path) -> list[str]:
    """Names of the voices in a folder, sorted."""
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.npz"))
