"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import metadata, version

import pytest

import bark

NAMES = {
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
}


def test_the_public_names_are_these() -> None:
    assert set(bark.__all__) == NAMES
    assert len(bark.__all__) == len(NAMES)
    assert set(dir(bark)) >= NAMES
    for name in NAMES:
        assert getattr(bark, name) is not None


def test_every_error_is_public() -> None:
    from bark import errors

    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and kind.__module__ == "bark.errors"}
    assert kinds <= NAMES
    for name in kinds - {"BarkWarning"}:
        assert issubclass(getattr(bark, name), bark.BarkError)


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="module 'bark' has no attribute 'shout'"):
        bark.shout  # noqa: B018


def test_importing_bark_imports_nothing_heavy() -> None:
    code = "import sys, bark, bark.errors, bark.options, bark.settings; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert not {"torch", "numpy", "tokenizers", "soundfile", "typer", "rich"} & set(imported)


def test_reading_a_voice_takes_no_torch() -> None:
    code = "import sys; from bark import Voice, VoiceError, Generation; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "torch" not in imported


def test_the_distribution_is_openbark() -> None:
    assert version("openbark") == bark.__version__
    assert "torch<3,>=2.6" in metadata("openbark").get_all("Requires-Dist", [])
