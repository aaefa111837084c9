"""What can go wrong for a caller, each with a sentence that says what, where, and what would be right."""

from __future__ import annotations

import sys
import warnings


class BarkError(Exception):
    """Any fault that a caller can mend; its text is made to be shown as it is."""


class OptionError(BarkError, ValueError):
    """An option has a value that makes no sense."""


class TextError(BarkError, ValueError):
    """The text can't be spoken."""


class VoiceError(BarkError, ValueError):
    """A voice is unknown, or its arrays are not a voice."""


class CheckpointError(BarkError, ValueError):
    """A checkpoint is broken, or not of the kind it was taken for."""


class WeightsNotFoundError(BarkError, FileNotFoundError):
    """No weights where they were looked for."""


class AudioError(BarkError, ValueError):
    """Audio can't be read, or is not what was asked for."""


class OutputError(BarkError, OSError):
    """A result can't be written."""


class ProjectError(BarkError):
    """A project's files are damaged, or are of something else."""


class TrainingError(BarkError):
    """A training run can't start or go on."""


class BarkWarning(UserWarning):
    """The result is not quite what was asked for; the text says what is missing."""


def warn(text: str) -> None:
    """Warns the caller of the package, wherever in it this is."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "bark":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, BarkWarning, stacklevel=level)
