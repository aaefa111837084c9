"""Voices: the tokens of a few seconds of speech, which the stages read as their history."""

from bark.voices.consent import Consent
from bark.voices.create import create_voice, reader
from bark.voices.library import VoiceLibrary, VoiceLike
from bark.voices.voice import Voice

__all__ = ["Consent", "Voice", "VoiceLibrary", "VoiceLike", "create_voice", "reader"]
