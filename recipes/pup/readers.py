"""In whose manner presets read: what their semantic stage goes on from.

How well a model is understood depends on that, whatever voice the later stages go on in. In English one slow clip of
the teacher's does better, for all voices, than their own clips do. Elsewhere there is no such clip, but some presets
that are understood far worse than the others of their language aren't in the manner of one of these. docs/pup.md, "In
whose manner", has figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bark.audio.loudness import normalize
from bark.errors import OptionError
from bark.evaluation.teachers import Teacher
from bark.lines import language_of
from bark.parts import Parts
from bark.tokens import IntArray
from bark.voices import Voice
from bark.voices.create import LOUDNESS
from recipes.pup.corpus import SAMPLE_RATE, trim

MARGIN = 0.1  # seconds of silence at either end


@dataclass(frozen=True)
class Reader:
    """What is read to begin with, and by whom.

    Attributes:
        voice: the teacher's name for who reads.
        speed: the teacher's, 1 as a rule.
        text: three or four seconds.
    """

    voice: str
    speed: float
    text: str


def readers_of(voices: Mapping[str, Any]) -> dict[str, Reader]:
    """The readers that a recipe's `[voices.manners]` names, by language.

    Raises:
        OptionError: it is no table, or one lacks something, or has something else.
    """
    found = {}
    for language, wanted in _table(voices, "manners").items():
        names = sorted(wanted) if isinstance(wanted, Mapping) else [repr(wanted)]
        if names != ["speed", "text", "voice"]:
            raise OptionError(
                f"[voices.manners.{language}] has {', '.join(names) or 'nothing'}; say voice, speed, text"
            )
        found[language] = Reader(str(wanted["voice"]), float(wanted["speed"]), str(wanted["text"]))
    return found


def lenders_of(voices: Mapping[str, Any]) -> dict[str, str]:
    """The presets in whose manner others read, by the others' names, as a recipe's `[voices.borrowed]` says.

    Raises:
        OptionError: it is no table, or one of them is no preset, or itself reads in the manner of another.
    """
    found = {str(name): str(lender) for name, lender in _table(voices, "borrowed").items()}
    for name, lender in found.items():
        if absent := [each for each in (name, lender) if each not in voices["presets"]]:
            raise OptionError(f"[voices.borrowed] names {absent[0]}, which is none of [voices.presets]")
        if lender in found:
            raise OptionError(f"[voices.borrowed]: {name} reads as {lender}, which reads as {found[lender]}")
    return found


def lend_manners(folder: Path, lenders: Mapping[str, str]) -> None:
    """Has presets in a folder, `v2/de_speaker_5.npz` and so on, read in the manner of others there.

    Args:
        folder: of the presets; those that aren't named stay as they are.
        lenders: names of presets by those of the presets that are to read as they do.
    """
    for name, lender in lenders.items():
        _set(folder / f"{name}.npz", Voice.from_npz(folder / f"{lender}.npz").reading)


def set_manners(folder: Path, readers: Mapping[str, Reader], teacher: Callable[[str], Teacher], parts: Parts) -> None:
    """Has the presets in a folder, `v2/en_speaker_0.npz` and so on, read in the manner of their language's reader.

    Args:
        folder: of the presets; those of other languages stay as they are.
        readers: by language.
        teacher: of a language.
        parts: of the model that the presets are for.

    Raises:
        OptionError: a reader says nothing.
    """
    for language, reader in readers.items():
        manner = _tokens(reader, teacher(language), parts)
        for path in sorted(folder.glob("**/*.npz")):
            name = path.relative_to(folder).with_suffix("").as_posix()
            if language_of(name) == language:
                _set(path, manner)


def _set(path: Path, manner: IntArray) -> None:
    """Has the voice in a file read in another manner."""
    replace(Voice.from_npz(path), manner=manner).save(path)


def _tokens(reader: Reader, teacher: Teacher, parts: Parts) -> IntArray:
    """Semantic tokens, no more of them than the model reads."""
    spoken = teacher.say(reader.text, reader.voice, reader.speed, 0)
    if spoken is None:
        raise OptionError(f"[voices.manners]: {reader.voice} has nothing to say for {reader.text!r}")
    audio = normalize(trim(spoken, MARGIN)[0], SAMPLE_RATE, LOUDNESS)
    with torch.inference_mode(), parts.semantic_tokenizer() as tokenizer:
        tokens: IntArray = tokenizer.encode(torch.from_numpy(np.ascontiguousarray(audio))[None])[0].numpy()
    return tokens[-parts.config.semantic_layout.history_length :]


def _table(voices: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = voices.get(name, {})
    if not isinstance(found, Mapping):
        raise OptionError(f"[voices] {name} is {found!r}; make it a table, [voices.{name}]")
    return found
