"""Names that clients know from OpenAI's API, and what they mean here."""

from __future__ import annotations

import re
from collections.abc import Sequence

MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
MEN = ("onyx", "echo", "ash", "verse", "fable", "ballad", "cedar")
WOMEN = ("alloy", "nova", "shimmer", "coral", "sage", "marin")
VOICES = (*WOMEN, *MEN)
WOMEN_OF = {"pup": {0, 2, 4}}  # numbers of English voices, by its model card …
SUNOS_WOMEN = {9}  # … and of Suno's own
PRESET = re.compile(r"(v2/)?([a-z]{2})_speaker_(\d+)")


def presets(voices: Sequence[str], language: str) -> list[str]:
    """The voices of a language, Suno's second set before the first, in order of their numbers; else all."""
    own = [found for name in voices if (found := PRESET.fullmatch(name)) and found[2] == language]
    second = [found for found in own if found[1]] or own
    return [found[0] for found in sorted(second, key=lambda found: int(found[3]))] or list(voices)


def aliases(model: str, voices: Sequence[str]) -> dict[str, str]:
    """An English voice of the model for each of OpenAI's names, a woman's for a woman's; none without voices."""
    english = presets(voices, "en")
    if not english:
        return {}
    numbers = WOMEN_OF.get(model, SUNOS_WOMEN)
    women = [name for name in english if int(name.rpartition("_")[2]) in numbers] if _numbered(english) else []
    men = [name for name in english if name not in women]
    women, men = women or english, men or english
    return {alias: women[number % len(women)] for number, alias in enumerate(WOMEN)} | {
        alias: men[number % len(men)] for number, alias in enumerate(MEN)
    }


def _numbered(voices: Sequence[str]) -> bool:
    return all(PRESET.fullmatch(name) for name in voices)
