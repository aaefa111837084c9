"""What was spoken of one line: a file that says so, one of audio, one of tokens."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bark.audio.read import read_audio
from bark.audio.writer import write_audio
from bark.errors import BarkError, ProjectError
from bark.files import replacing
from bark.lines import Line
from bark.options import MAX_SEED
from bark.project.fields import Fields, read_fields, write_values
from bark.project.kept import Voices, inside, line_of, line_values
from bark.result import Tokens, Utterance
from bark.tokens import TokenSpace
from bark.voices import Voice
from bark.voices.arrays import KEYS, read_npz

AUDIO = re.compile(r"\d{4,8}(?:-\d{1,6})?\.wav")
TOKENS = re.compile(r"\d{4,8}(?:-\d{1,6})?\.npz")
OWN = re.compile(r"\d{4,8}(?:-\d{1,6})?\.(?:wav|npz|json)")
PART = re.compile(rf"\.{OWN.pattern}\.[0-9a-f]{{8}}\.part")
LARGEST = 64 << 20  # bytes of a file of a segment
EXACT = 32  # bits of a sample: the mix is what it would be without a project


@dataclass(frozen=True, eq=False)
class Segment:
    """What is kept of an utterance, but for its audio and tokens.

    Attributes:
        line: that it was made of; of a redone one, not that of the plan.
        text: as the model read it.
        seed: that was used.
        voice: that it was spoken in.
        samples: of its audio.
        silence: samples of the pause after it.
        tries: how many it took.
        problems: what still looks wrong.
        timings: seconds of computing by stage.
        take: how often it has been made.
        digests: of the files, by their names: audio first.
    """

    line: Line
    text: str
    seed: int
    voice: Voice | None
    samples: int
    silence: int
    tries: int
    problems: tuple[str, ...]
    timings: dict[str, float]
    take: int
    digests: dict[str, str]


class Segments:
    """The segments of a project, by their index.

    Args:
        folder: of them.
        owner: what the project is called in them; those of another are taken for none.
        voices: of the project.
        space: of the model.
    """

    def __init__(self, folder: Path, owner: str, voices: Voices, space: TokenSpace) -> None:
        self._folder, self._owner, self._voices, self._space = folder, owner, voices, space

    def find(self, index: int) -> Segment | None:
        """The segment of a line, if there is one.

        Raises:
            ProjectError: what is said of it is damaged.
        """
        path = self._path(index)
        if not path.exists():
            return None
        try:
            fields = read_fields(inside(self._folder, path.name, re.compile(r"\d+\.json")))
            return None if fields.text("project") != self._owner else self._segment(fields)
        except ProjectError as error:
            raise ProjectError(f"{error}; remove {path}, and it will be made anew") from error

    def check(self, index: int, segment: Segment) -> None:
        """Finds out whether the files of a segment are as they were written.

        Raises:
            ProjectError: they aren't.
        """
        for name, digest in segment.digests.items():
            path = inside(self._folder, name, TOKENS if name.endswith("npz") else AUDIO)
            if not path.is_file() or path.stat().st_size > LARGEST or _digest(path) != digest:
                state = "is not as it was written" if path.exists() else "is missing"
                raise ProjectError(f"{path} {state}; `bark redo {self._folder.parent} {index + 1}` makes it anew")

    def load(self, index: int, segment: Segment, start: int) -> Utterance:
        """The utterance of a segment.

        Args:
            index: of its line.
            segment: that is to be loaded.
            start: samples before it.

        Raises:
            ProjectError: its files are damaged.
        """
        audio, tokens = segment.digests
        rate = self._space.sample_rate
        try:
            heard = read_audio(self._folder / audio, rate) if segment.samples else np.empty(0, np.float32)
            arrays = read_npz(self._folder / tokens)
            found = Tokens(*(np.asarray(arrays[key]).astype(np.int64) for key in KEYS))
            if segment.samples:
                Voice("of the segment", found.semantic, found.coarse, found.fine).check(self._space)
        except (BarkError, ValueError) as error:
            raise ProjectError(f"{self._path(index)} is damaged: {error}") from error
        if len(heard) != segment.samples:
            raise ProjectError(f"{self._folder / audio} has {len(heard)} samples, not {segment.samples}")
        return Utterance(
            index=index,
            text=segment.text,
            audio=heard,
            sample_rate=rate,
            tokens=found,
            start=start / rate,
            pause=segment.line.pause,
            seed=segment.seed,
            voice=segment.voice,
            speaker=segment.line.speaker,
            tries=segment.tries,
            problems=segment.problems,
            timings=segment.timings,
        )

    def keep(self, utterance: Utterance, line: Line, silence: int, take: int) -> Segment:
        """Writes a segment: once what says so is there, so is the rest, and on the disk.

        Raises:
            OutputError: it can't be written.
        """
        stem = f"{utterance.index + 1:04}" + (f"-{take}" if take > 1 else "")
        audio, tokens = self._folder / f"{stem}.wav", self._folder / f"{stem}.npz"
        write_audio(audio, utterance.audio, utterance.sample_rate, bits=EXACT)
        _write_tokens(tokens, utterance.tokens)
        made = Segment(
            line=line,
            text=utterance.text,
            seed=utterance.seed,
            voice=utterance.voice,
            samples=len(utterance.audio),
            silence=silence,
            tries=utterance.tries,
            problems=utterance.problems,
            timings=dict(utterance.timings),
            take=take,
            digests={path.name: _digest(path) for path in (audio, tokens)},
        )
        write_values(self._path(utterance.index), self._values(made))
        sync_folder(self._folder)
        self._remove_others(utterance.index, made)
        return made

    def clear(self, all: bool = False) -> None:
        """Removes what a process that was killed has left, or all segments."""
        for path in self._folder.glob("*"):
            if PART.fullmatch(path.name) or (all and OWN.fullmatch(path.name)):
                path.unlink(missing_ok=True)

    def _remove_others(self, index: int, segment: Segment) -> None:
        takes = re.compile(rf"{index + 1:04}(?:-\d+)?\.(?:wav|npz)")  # 1000's, and not those of 10000
        for path in self._folder.glob(f"{index + 1:04}*"):
            if path.name not in segment.digests and takes.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _path(self, index: int) -> Path:
        return self._folder / f"{index + 1:04}.json"

    def _values(self, segment: Segment) -> dict[str, Any]:
        return {
            "project": self._owner,
            "line": line_values(segment.line, self._voices),
            "text": segment.text,
            "seed": segment.seed,
            "voice": self._voices.keep(segment.voice),
            "samples": segment.samples,
            "silence": segment.silence,
            "tries": segment.tries,
            "problems": list(segment.problems),
            "timings": segment.timings,
            "take": segment.take,
            "files": segment.digests,
        }

    def _segment(self, fields: Fields) -> Segment:
        timings, files = fields.values("timings"), fields.values("files")
        names = [name for kind in (AUDIO, TOKENS) for name in files if kind.fullmatch(name)]
        if len(files) != 2 or len(names) != 2:
            raise ProjectError(f"{fields.where} is damaged: files should be one of audio and one of tokens")
        return Segment(
            line=line_of(fields.object("line"), self._voices),
            text=fields.text("text"),
            seed=fields.whole("seed", 0, MAX_SEED),
            voice=self._voices.load(fields),
            samples=fields.whole("samples"),
            silence=fields.whole("silence"),
            tries=fields.whole("tries", 1),
            problems=tuple(map(str, fields.items("problems"))),
            timings={str(stage): Fields(timings, fields.where).number(stage, 0, 1e9) for stage in timings},
            take=fields.whole("take", 1, 999_999),
            digests={name: str(files[name]) for name in names},
        )


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write_tokens(path: Path, tokens: Tokens) -> None:
    arrays = dict(zip(KEYS, (tokens.semantic, tokens.coarse, tokens.fine), strict=True))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
