"""Text to speech in three token stages and a codec.

from bark import Bark

Bark().generate("Hello!").save("hello.wav")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bark.errors import (
        AudioError,
        BarkError,
        BarkWarning,
        CheckpointError,
        OptionError,
        OutputError,
        TextError,
        TrainingError,
        VoiceError,
        WeightsNotFoundError,
    )
    from bark.options import GenerateOptions, SamplingOptions
    from bark.pipeline import Bark
    from bark.result import Generation, Tokens
    from bark.voices import Voice

__version__ = "0.1.0"

SAMPLE_RATE = 24_000  # Hz; of every Bark, Suno's and ours

__all__ = [
    "Bark",
    "Generation",
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
    "TextError",
    "TrainingError",
    "VoiceError",
    "WeightsNotFoundError",
    "BarkWarning",
    "__version__",
]

_HOMES = {
    "Bark": "bark.pipeline",
    "Generation": "bark.result",
    "Tokens": "bark.result",
    "Voice": "bark.voices",
    "GenerateOptions": "bark.options",
    "SamplingOptions": "bark.options",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: torch alone takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module 'bark' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "bark.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
