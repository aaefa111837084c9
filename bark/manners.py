"""How a voice reads what is in another language than its own: in the manner of one of the model's voices of that.

A small model has heard each of its voices speak one language, and in a voice of English it reads French as an
Englishman would. So its semantic stage goes on from what a French voice has said, and only the coarse and fine stages,
which know how somebody sounds, from the voice itself.
"""

from __future__ import annotations

from dataclasses import replace

from bark.casting import first_of_kind, kind_of_named, kind_of_voice, presets
from bark.lines import language_of
from bark.parts import Parts
from bark.voices import Voice


def in_manner(parts: Parts, voice: Voice, language: str) -> Voice:
    """A voice as it reads a language: in the manner of the first preset of the language that is a man's, or a woman's.

    Args:
        parts: of the model.
        voice: of anybody.
        language: a two-letter code.

    Returns:
        The same voice where the model has no preset of the language.
    """
    names = [name for name in presets(parts.voices.names(), language) if language_of(name) == language]
    if not names:
        return voice
    known = voice.name in parts.voices.names() and parts.voices.named(voice.name) is voice
    kind = kind_of_named(parts, voice.name) if known else kind_of_voice(parts, voice)
    return replace(voice, manner=parts.voices.load(first_of_kind(parts, names, kind)).reading)
