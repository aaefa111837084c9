"""Which voice each speaker has: one each, the same whenever the same people speak."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import torch

from bark.audio.pitch import median_pitch
from bark.errors import warn
from bark.parts import Parts
from bark.text.language import language_code
from bark.text.script import key_of
from bark.voices import Voice, VoiceLike

KIND = re.compile(r"(MAN|WOMAN)(?:[ _.-]*\d+)?", re.IGNORECASE)
BOUNDARY = (
    155.0  # Hz; men's speech is about 85 to 155, women's 165 to 255 (Titze, Principles of Voice Production, 1994)
)
LISTENED = 6.0  # seconds of a voice; half of them are not enough for some
NUMBERS = re.compile(r"(\d+)")


def kind_of(speaker: str) -> str | None:
    """`MAN` or `WOMAN` for those who are called so, with a number or without."""
    found = KIND.fullmatch(speaker)
    return found[1].upper() if found else None


def cast_voices(
    parts: Parts, speakers: Sequence[str], chosen: Mapping[str, VoiceLike | None], language: str | None = None
) -> dict[str, Voice | None]:
    """A voice for each speaker: the chosen one, or one of the model's that nobody else has.

    Men and women, who are called so, come first and get voices of their pitch; the others get what is left, in the
    order in which they speak. None for all of them where the model has no voices.

    Args:
        parts: of the model.
        speakers: in the order in which they speak.
        chosen: voices by name.
        language: of the model's voices, as a two-letter code; None for English.

    Raises:
        VoiceError: there is no such voice, or it is not of this model.
        OptionError: there can be no such language.

    Warns:
        BarkWarning: there are fewer voices than speakers, or somebody of the cast doesn't speak.
    """
    _tell_silent(speakers, chosen)
    by_key = {key_of(name): voice for name, voice in chosen.items() if voice is not None}
    cast = {name: parts.voices.load(by_key[key_of(name)]) for name in speakers if key_of(name) in by_key}
    free = Free(parts, language_code(language) or "en", {voice.name for voice in cast.values()})
    uncast = [name for name in speakers if name not in cast]
    made = {name: free.take(kind_of(name)) for name in sorted(uncast, key=lambda name: kind_of(name) is None)}
    if free.shared:
        warn(
            f"{len(speakers)} speakers are more than the model has voices for: {free.shared} have one that another has"
        )
    return {name: cast[name] if name in cast else made[name] for name in speakers}


class Free:
    """The model's voices that nobody has yet.

    Args:
        parts: of the model.
        language: of the voices; those of any, if there are none in it.
        taken: names of others.
    """

    def __init__(self, parts: Parts, language: str, taken: Collection[str]) -> None:
        self._parts = parts
        self._all = presets(parts.voices.names(), language)
        self._free = [name for name in self._all if name not in set(taken)]
        self._taken = len(self._all) - len(self._free)
        self._given = 0

    @property
    def shared(self) -> int:
        """How many speakers have a voice that another has, too."""
        return max(0, self._given - len(self._all) + self._taken) if self._all else 0

    def take(self, kind: str | None) -> Voice | None:
        """The next one, of a kind if there is one."""
        if not self._all:
            return None
        self._given += 1
        if not self._free:
            self._free = list(self._all)
        name = first_of_kind(self._parts, self._free, kind)
        self._free.remove(name)
        return self._parts.voices.load(name)


def presets(names: Sequence[str], language: str) -> list[str]:
    """Names of the voices of a language, Suno's second set before the first, in order of their numbers; else all."""
    own = [name for name in names if re.search(rf"(?:^|/){language}_speaker_\d+$", name)]
    second = [name for name in own if name.startswith("v2/")]
    return sorted(second or own or names, key=lambda name: [int(n) if n.isdigit() else n for n in NUMBERS.split(name)])


def first_of_kind(parts: Parts, names: Sequence[str], kind: str | None) -> str:
    """The first of some of the model's voices that is of a kind, where there is one; else the first."""
    fits = (name for name in names if kind is None or kind_of_named(parts, name) == kind)
    return next(fits, names[0])


def kind_of_named(parts: Parts, name: str) -> str | None:
    """`kind_of_voice` of one of the model's voices; it is listened to once."""
    if name not in parts.kinds:
        parts.kinds[name] = kind_of_voice(parts, parts.voices.load(name))
    return parts.kinds[name]


def kind_of_voice(parts: Parts, voice: Voice) -> str | None:
    """`MAN` or `WOMAN`, by the pitch of the first seconds; None if it has none."""
    frames = round(LISTENED * parts.config.tokens.frame_rate)
    codes = torch.tensor(np.ascontiguousarray(voice.fine[:, :frames]), device=parts.codec_device)[None]
    with parts.codec() as codec, torch.inference_mode():
        audio = codec.decode(codes)[0].float().cpu().numpy()
    pitch = median_pitch(audio, parts.config.tokens.sample_rate)
    return None if pitch is None else "MAN" if pitch < BOUNDARY else "WOMAN"


def _tell_silent(speakers: Sequence[str], chosen: Iterable[str]) -> None:
    speaking = set(map(key_of, speakers))
    silent = [name for name in chosen if key_of(name) not in speaking]
    if silent:
        warn(f"{', '.join(silent)} of the cast has nothing to say; there speak {', '.join(speakers)}")
