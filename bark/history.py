"""What Suno's package calls a history_prompt: a voice in any of its forms."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from bark.errors import VoiceError
from bark.voices import Voice, VoiceLibrary

KEYS = {"semantic": "semantic_prompt", "coarse": "coarse_prompt", "fine": "fine_prompt"}
HistoryPrompt: TypeAlias = Mapping[str, Any] | str | os.PathLike[str] | Voice | None


def find_voice(history_prompt: HistoryPrompt, library: VoiceLibrary) -> Voice | None:
    """The voice of a name, a path, a dict of arrays or a voice; None for None.

    Raises:
        VoiceError: there is none, or it is not of the library's model.
    """
    if history_prompt is None:
        return None
    if isinstance(history_prompt, str | os.PathLike | Voice):
        return library.load(history_prompt)
    return library.load(as_voice(history_prompt))


def as_voice(history_prompt: Mapping[str, Any]) -> Voice:
    """A voice from the dict that `output_full` gives.

    Raises:
        VoiceError: an array is missing, empty, or doesn't hold tokens.
    """
    if not isinstance(history_prompt, Mapping):
        kind = type(history_prompt).__name__
        raise VoiceError(f"a history_prompt is a name, the path of an npz file or a dict of arrays, not {kind}")
    missing = [key for key in KEYS.values() if key not in history_prompt]
    if missing:
        raise VoiceError(f"the history_prompt has no {', '.join(missing)}")
    return Voice("history_prompt", **{part: history_prompt[key] for part, key in KEYS.items()})
