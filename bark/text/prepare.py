"""A text as a model's config says that the tokenizer gets it."""

from __future__ import annotations

from typing import Protocol

from bark.text.labels import labels
from bark.text.readings import readings
from bark.text.verbalize import verbalize


class Wanted(Protocol):
    """What is to be done; `bark.models.config.TextConfig` says it."""

    @property
    def labels(self) -> bool:
        """Whether `MAN:` becomes `[MAN]`."""

    @property
    def verbalize(self) -> bool:
        """Whether figures and the like become words."""

    @property
    def readings(self) -> bool:
        """Whether Chinese and Japanese become what is read."""


def prepared(text: str, wanted: Wanted, language: str | None = None) -> str:
    """The text as the tokenizer gets it; prepared again, it is the same.

    Args:
        text: of any length.
        wanted: by the model.
        language: that is expected, as a two-letter code; None for English.
    """
    if wanted.labels:
        text = labels(text)
    if wanted.verbalize:
        text = verbalize(text, language)
    return readings(text, language) if wanted.readings else text
