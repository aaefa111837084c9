"""Voices: the tokens of a few seconds of speech, which the stages read as their history."""

from bark.voices.library import VoiceLibrary, VoiceLike
from bark.voices.voice import Voice

__all__ = ["Voice", "VoiceLibrary", "VoiceLike"]
