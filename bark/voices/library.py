"""The voices that come with a checkpoint."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bark.errors import VoiceError
from bark.tokens import SUNO, TokenSpace
from bark.voices.files import SUNO_PRESETS, VoiceFiles, beside, complete, find_own, find_voices
from bark.voices.voice import Voice

PathLike: TypeAlias = str | os.PathLike[str]
Stamp: TypeAlias = tuple[tuple[int, int], ...]
VoiceLike: TypeAlias = PathLike | Mapping[str, Any] | Voice  # what `VoiceLibrary.load` takes


class VoiceLibrary:
    """Voices by name.

    Args:
        places: one or several folders or tables, as `bark.voices.files.find_voices` reads them; none need exist.
        space: of the model that is to speak.
        own: a folder of the user's own voices, which come after those of the places; it need not exist.
    """

    def __init__(self, places: PathLike | Iterable[PathLike], space: TokenSpace, own: Path | None = None) -> None:
        several = [places] if isinstance(places, str | os.PathLike) else places
        self._places = [Path(place) for place in several]
        self._space = space
        self._own = own
        self._files: dict[str, VoiceFiles] = {}
        self._loaded: dict[str, tuple[Stamp, Voice]] = {}

    def names(self) -> list[str]:
        """Names of all voices whose files are there, sorted.

        Raises:
            VoiceError: a table of voices is broken.
        """
        return voice_names(*self._places, own=self._own)

    def load(self, voice: VoiceLike) -> Voice:
        """A voice that suits the model.

        Args:
            voice: a name of the library; the path of an npz file, of one of three npy files, or of a folder that
                holds one voice; a dict of `semantic_prompt` [T], `coarse_prompt` [n_coarse, T'] and `fine_prompt`
                [n_codebooks, T']; or a voice.

        Raises:
            VoiceError: there is none of that name, or it is not a voice of this model.
        """
        if isinstance(voice, Voice):
            return voice.check(self._space)
        if isinstance(voice, Mapping):
            return Voice.from_arrays(voice).check(self._space)
        if not isinstance(voice, str | os.PathLike):
            kind = type(voice).__name__
            raise VoiceError(f"a voice is a name, the path of a file, a dict of arrays or a Voice, not {kind}")
        name = os.fspath(voice).replace("\\", "/") if isinstance(voice, str) else os.fspath(voice)
        try:
            known = self._by_name(name)
        except VoiceError:  # of another voice's table
            if Path(name).suffix not in (".npz", ".npy"):
                raise
            known = None
        return known or self._at_path(voice)

    def named(self, name: str) -> Voice:
        """A voice by its name alone: no path is read, so strangers may ask.

        Raises:
            VoiceError: there is none of that name, or it is not a voice of this model.
        """
        voice = self._by_name(name)
        if voice is None:
            raise VoiceError(self._unknown(name))
        return voice

    def _by_name(self, name: str) -> Voice | None:
        files = self._named(name)
        if files is None:
            return None
        stamp = _stamp(files)
        if name not in self._loaded or self._loaded[name][0] != stamp:
            self._loaded[name] = stamp, _read(files, name).check(self._space)
        return self._loaded[name][1]

    def _named(self, name: str) -> VoiceFiles | None:
        if name not in self._files or not complete(self._files[name]):  # it may have come since, or gone
            self._files = {**find_own(self._own), **find_voices(self._places)}
        return self._files.get(name)

    def _at_path(self, voice: PathLike) -> Voice:
        path, name = Path(voice), os.fspath(voice)
        if path.suffix == ".npz":
            return Voice.from_npz(path).check(self._space)
        if path.suffix == ".npy":
            return Voice.from_npy(beside(path)).check(self._space)
        if name and _is_folder(path):
            return self._only_one(path)
        if isinstance(voice, os.PathLike):
            return Voice.from_npz(path).check(self._space)
        raise VoiceError(self._unknown(name))

    def _only_one(self, folder: Path) -> Voice:
        found = find_voices([folder])
        if len(found) != 1:
            held = f"{len(found)} voices: name the file of one" if found else "no voice"
            raise VoiceError(f"the folder {folder} holds {held}")
        ((name, files),) = found.items()
        return _read(files, name).check(self._space)

    def _unknown(self, name: str) -> str:
        names = self.names()
        if name in SUNO_PRESETS and self._space == SUNO:
            places = ", ".join(str(place) for place in self._places)
            return (
                f"the voice {name!r} is one of Suno's, but its files are in none of {places}; "
                "`hf download suno/bark-small --include 'speaker_embeddings*'` gets them all"
            )
        if not names:
            return f"there is no voice {name!r}: this model has no voices of its own; name an npz file"
        tails = {known.rpartition("/")[2]: known for known in names}  # en_speaker_0 is near v2/en_speaker_0
        near = difflib.get_close_matches(name, [*names, *tails], n=5, cutoff=0.6)
        found = list(dict.fromkeys(tails.get(hit, hit) for hit in near))[:3]
        hint = f"did you mean {' or '.join(found)}?" if found else "`bark voices list` shows them all"
        return f"there is no voice {name!r}; {hint}"


def voice_names(*places: Path, own: Path | None = None) -> list[str]:
    """Names of the voices in some folders and tables whose files are there, sorted.

    Args:
        places: see `bark.voices.files.find_voices`.
        own: see `VoiceLibrary`.

    Raises:
        VoiceError: a table of voices is broken.
    """
    found = {**find_own(own), **find_voices(places)}
    return sorted(name for name, files in found.items() if complete(files))


def _read(files: VoiceFiles, name: str) -> Voice:
    return Voice.from_npz(files, name) if isinstance(files, Path) else Voice.from_npy(files, name)


def _stamp(files: VoiceFiles) -> Stamp:
    """What changes when the files do."""
    paths = [files] if isinstance(files, Path) else list(files.values())
    stats = [path.stat() for path in paths if path.exists()]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have
        return False
