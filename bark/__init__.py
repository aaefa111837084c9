"""Text to speech in three token stages and a codec.

from bark import Bark

Bark().generate("Hello!").save("hello.wav")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bark.settings import bound_spinning

if TYPE_CHECKING:
    from bark.api import generate_audio, save_as_prompt, semantic_to_waveform, text_to_semantic
    from bark.errors import (
        AudioError,
        BarkError,
        BarkWarning,
        CheckpointError,
        OptionError,
        OutputError,
        ProjectError,
        TextError,
        TrainingError,
        VoiceError,
        WeightsNotFoundError,
    )
    from bark.generation import preload_models
    from bark.lines import Line
    from bark.options import GenerateOptions, SamplingOptions
    from bark.pipeline import Bark
    from bark.result import Generation, Tokens, Utterance
    from bark.voices import Voice

__version__ = "0.1.0"

SAMPLE_RATE = 24_000  # Hz; of every Bark, Suno's and ours

__all__ = [
    "Bark",
    "Generation",
    "Line",
    "Utterance",
    "Tokens",
    "Voice",
    "GenerateOptions",
    "SamplingOptions",
    "SAMPLE_RATE",
    "BarkError",
    "AudioError",
    "CheckpointError",
    "OptionError",
    "OutputError",
    "ProjectError",
    "TextError",
    "TrainingError",
    "VoiceError",
    "WeightsNotFoundError",
    "BarkWarning",
    "generate_audio",
    "preload_models",
    "save_as_prompt",
    "semantic_to_waveform",
    "text_to_semantic",
    "__version__",
]

_HOMES = {
    "Bark": "bark.pipeline",
    "Generation": "bark.result",
    "Line": "bark.lines",
    "Utterance": "bark.result",
    "Tokens": "bark.result",
    "Voice": "bark.voices",
    "GenerateOptions": "bark.options",
    "SamplingOptions": "bark.options",
    "generate_audio": "bark.api",
    "preload_models": "bark.generation",
    "save_as_prompt": "bark.api",
    "semantic_to_waveform": "bark.api",
    "text_to_semantic": "bark.api",
}
_MODULES = ("api", "generation")  # which `import bark` alone gives in the original

bound_spinning()  # torch's threads look at this once, when it is imported


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: torch alone takes seconds."""
    if name in _MODULES:
        return import_module(f"bark.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'bark' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "bark.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
