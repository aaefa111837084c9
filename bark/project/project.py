"""A folder with the lines of a text, and what has been spoken of them so far."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from bark.errors import OutputError, ProjectError, warn
from bark.files import reason
from bark.lines import Line
from bark.narration import Narration
from bark.options import MAX_SEED, GenerateOptions
from bark.parts import Parts
from bark.project.fields import Fields, read_fields, write_values
from bark.project.kept import Voices, line_of, line_values
from bark.project.segment import Segment, Segments, sync_folder
from bark.record import Progress
from bark.request import FloatArray
from bark.result import Utterance
from bark.speaking import Speaking, drawn_seed, with_own_takes
from bark.voices import Voice, VoiceLike

VERSION = 1
MANIFEST, SEGMENTS, VOICES = "project.json", "segments", "voices"
BLOCK = 240_000  # samples of silence at a time


@dataclass(frozen=True)
class Changes:
    """What is other about a line that is spoken anew.

    Attributes:
        seed: None for one that is drawn or, where another thing changes, the same.
        voice: None for the same.
        text: None for the same.
        temperature: of the semantic and coarse stages; None for the same.
    """

    seed: int | None = None
    voice: VoiceLike | None = None
    text: str | None = None
    temperature: float | None = None

    def of(self, line: Line) -> Line:
        """The line with them."""
        same = self.voice is None and self.text is None and self.temperature is None
        seed = self.seed if self.seed is not None else drawn_seed() if same else line.seed
        options = (line.options or GenerateOptions()).with_changes(temperature=self.temperature)
        voice = line.voice if self.voice is None else self.voice
        return replace(
            line, text=line.text if self.text is None else self.text, voice=voice, seed=seed, options=options
        )


class Project:
    """The lines of a text in a folder, and what has been spoken of them; nobody else may work on it meanwhile.

        with Project(parts, folder) as project:
            project.begin(lines, seed)
            for utterance in project.speak():
                ...                        # as soon as it is on the disk
            for piece in project.pieces():
                ...                        # audio and utterances, one after another

    Args:
        parts: of the model.
        folder: that there is, or that will be made.
    """

    def __init__(self, parts: Parts, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.lines: Sequence[Line] = ()
        self.max_duration: float | None = None
        self._parts, self._speaking = parts, Speaking(parts)
        self._found: list[Segment | None] = []

    def __enter__(self) -> Project:
        """Makes the folder and locks it.

        Raises:
            ProjectError: another process works on it.
            OutputError: no folder can be there.
        """
        try:
            for folder in (self.folder / SEGMENTS, self.folder / VOICES):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ProjectError(f"another process works on the project {self.folder}") from error
        except (OSError, ValueError) as error:  # a NUL in the name
            told = reason(error) if isinstance(error, OSError) else error
            raise OutputError(f"can't make a project in {str(self.folder)!r}: {told}") from error
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def begin(
        self, lines: Iterable[Line], seed: int, *, max_duration: float | None = None, restart: bool = False
    ) -> None:
        """Takes lines to be spoken; what has been spoken of them is not spoken again.

        Args:
            lines: as `Bark.plan` gives them.
            seed: that they follow from; see `kept_seed`.
            max_duration: seconds at most of all together.
            restart: whether what the project has is forgotten.

        Raises:
            ProjectError: it is a project of other lines, or damaged, or of another model.
            BarkError: a voice is not of this model.
        """
        planned = [self._settled(line) for line in lines]
        if (self.folder / MANIFEST).exists() and not restart:
            self.open()
            self._check_same(planned, max_duration)
            return
        self._open_parts(secrets.token_hex(8))
        self.lines, self.max_duration = planned, max_duration
        values = {
            "version": VERSION,
            "id": self._id,
            "model": self._parts.config.name,
            "sample_rate": self._parts.config.tokens.sample_rate,
            "seed": seed,
            "max_duration": max_duration,
            "lines": [line_values(line, self._voices) for line in planned],
        }
        write_values(self.folder / MANIFEST, values)
        sync_folder(self.folder)
        self._segments.clear(all=restart)
        self._found = [None] * len(planned)

    def open(self, redone: Iterable[int] = ()) -> None:
        """Takes the lines that the project has.

        Args:
            redone: indices of lines whose audio and tokens may be damaged.

        Raises:
            ProjectError: there is no project, or it is damaged, or of another model.
        """
        fields = manifest_of(self.folder)
        name, rate = fields.text("model"), fields.whole("sample_rate")
        config = self._parts.config
        if (name, rate) != (config.name, config.tokens.sample_rate):
            raise ProjectError(f"{self.folder} is a project of the model {name}; this is {config.name}")
        self._open_parts(fields.text("id"))
        self.max_duration = None if fields.none("max_duration") else fields.number("max_duration", 0, 1e9)
        where = f"{fields.where}: line"
        lines = [Fields(value, f"{where} {number}") for number, value in enumerate(fields.items("lines"), 1)]
        self.lines = [line_of(each, self._voices) for each in lines]
        self._found = [self._segments.find(index) for index in range(len(lines))]
        for index, segment in enumerate(self._found):
            if segment and index not in set(redone):
                self._segments.check(index, segment)

    @property
    def text(self) -> str:
        """What is said, as far as it has been said."""
        return " ".join(segment.text for segment in self._found if segment)

    @property
    def missing(self) -> list[int]:
        """Indices of lines that have not been spoken."""
        return [index for index, segment in enumerate(self._found) if segment is None]

    def speak(
        self, progress: Progress | None = None, begun: Callable[[int], None] | None = None
    ) -> Iterator[Utterance]:
        """Speaks the lines that have not been spoken, and gives each as soon as it is on the disk.

        Args:
            progress: see `Bark.generate`.
            begun: told the index of each line before it is spoken.

        Raises:
            BarkError: as `Bark.narrate`; or it can't be written.
        """
        for index in self.missing:
            if begun:
                begun(index)
            utterance = self._spoken(index, self.lines[index], self.max_duration, progress)
            if utterance is None:
                return
            yield utterance

    def redo(self, indices: Iterable[int], changes: Changes, progress: Progress | None = None) -> Iterator[Utterance]:
        """Speaks some lines anew, and gives each as soon as it is on the disk; the others stay as they are.

        A line that gave its speaker their voice is spoken in that voice.

        Raises:
            ProjectError: there is no such line.
            BarkError: as `Bark.narrate`; or it can't be written.
        """
        for index in indices:
            if not 0 <= index < len(self.lines):
                raise ProjectError(f"there is no line {index + 1} in {self.folder}, but {len(self.lines)} lines")
            before = self._found[index]
            line = changes.of(before.line if before else self.lines[index])
            if line.voice is None and before and before.voice is None:
                line = replace(line, voice=self._own_voice(index))
            utterance = self._spoken(index, self._settled(line), None, progress)
            assert utterance is not None
            yield utterance

    def pieces(self) -> Iterator[FloatArray | Utterance]:
        """All that has been spoken, as `Bark.speak` gives it; no more of it is in memory than a line.

        Raises:
            ProjectError: a line between others has not been spoken, or a file is damaged.

        Warns:
            BarkWarning: the last lines have not been spoken.
        """
        made = len(self._found) - len(self.missing)
        if any(segment is None for segment in self._found[:made]):
            raise ProjectError(f"line {self.missing[0] + 1} of {self.folder} has not been spoken yet, but later ones")
        if self.missing and self.max_duration is None:
            warn(f"lines {made + 1} to {len(self.lines)} of {self.folder} have not been spoken yet")
        for index, segment in enumerate(self._found[:made]):
            assert segment is not None
            utterance = self._segments.load(index, segment, self._before(index))
            yield utterance.audio
            yield utterance
            for start in range(0, segment.silence, BLOCK):
                yield np.zeros(min(BLOCK, segment.silence - start), dtype=np.float32)

    def _spoken(
        self, index: int, line: Line, max_duration: float | None, progress: Progress | None
    ) -> Utterance | None:
        """A line's utterance, kept; None if there is no time left for it."""
        said = line if line.voice else replace(line, voice=self._first_voice(line.speaker, index))
        samples = self._before(index)
        narration = Narration(self._speaking, max_duration, progress, samples=samples, index=index)
        utterance, silence = None, 0
        for piece in narration.pieces([said]):
            if isinstance(piece, Utterance):
                utterance = piece
            elif utterance is not None:
                silence += len(piece)
        if utterance is not None:
            before = self._found[index]
            self._found[index] = self._segments.keep(utterance, line, silence, before.take + 1 if before else 1)
        return utterance

    def _own_voice(self, index: int) -> Voice | None:
        """The voice that a line gave its speaker; None if its tokens are damaged."""
        try:
            return self._first_voice(self.lines[index].speaker, index + 1)
        except ProjectError:
            return None

    def _first_voice(self, speaker: str | None, index: int) -> Voice | None:
        """The voice of a speaker who has none: their first utterance before a line, as `Narration` does it."""
        for number, segment in enumerate(self._found[:index]):
            planned = self.lines[number]
            if segment and segment.samples and planned.voice is None and planned.speaker == speaker:
                return self._segments.load(number, segment, 0).to_voice(speaker or "of the first line")
        return None

    def _before(self, index: int) -> int:
        """Samples before a line."""
        lengths = (segment.samples + segment.silence for segment in self._found[:index] if segment)
        return list(accumulate(lengths, initial=0))[-1]

    def _settled(self, line: Line) -> Line:
        """A line that leaves nothing to the model or to chance."""
        options = (line.options or GenerateOptions()).suited(self._parts.config.generation)
        options = with_own_takes(options, self._parts.config, line.text, line.voice)
        seed = options.seed if line.seed is None else line.seed
        voice = None if line.voice is None else self._parts.voices.load(line.voice)
        return replace(line, options=options, seed=drawn_seed() if seed is None else seed, voice=voice)

    def _open_parts(self, owner: str) -> None:
        space = self._parts.config.tokens
        self._id = owner
        self._voices = Voices(self.folder / VOICES, space)
        self._segments = Segments(self.folder / SEGMENTS, owner, self._voices, space)
        self._segments.clear()

    def _check_same(self, planned: Sequence[Line], max_duration: float | None) -> None:
        difference = _difference(self.lines, planned, self._voices)
        if difference is None and self.max_duration != max_duration:
            difference = f"its duration was limited to {self.max_duration} s, not {max_duration}"
        if difference:
            raise ProjectError(f"{self.folder} is a project of something else: {difference}; --restart begins it anew")


def manifest_of(folder: Path) -> Fields:
    """What a project says of itself.

    Raises:
        ProjectError: there is none, or it is damaged, or of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ProjectError(f"there is no project in {folder}: no {MANIFEST}; `bark generate --project` makes one")
    fields = read_fields(path)
    if fields.whole("version") != VERSION:
        raise ProjectError(f"{path} is of version {fields.whole('version')}; {VERSION} can be read")
    return fields


def kept_seed(folder: str | os.PathLike[str]) -> int | None:
    """The seed of the project in a folder; None if there is no project yet.

    Raises:
        ProjectError: it is damaged.
    """
    path = Path(folder)
    return manifest_of(path).whole("seed", 0, MAX_SEED) if (path / MANIFEST).is_file() else None


def _difference(kept: Sequence[Line], planned: Sequence[Line], voices: Voices) -> str | None:
    """How lines differ from others, in words."""
    for number, (one, other) in enumerate(zip(kept, planned, strict=False), 1):
        if one.text != other.text:
            return f"its line {number} is {one.text[:40]!r}, not {other.text[:40]!r}"
        was, now = line_values(one, voices), line_values(other, voices)
        for key in was:
            if was[key] != now[key]:
                return f"the {key} of its line {number} {'were others' if key == 'options' else 'was another'}"
    if len(kept) != len(planned):
        return f"it has {len(kept)} lines, not {len(planned)}"
    return None
