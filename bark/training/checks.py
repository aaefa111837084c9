"""Settings that must not be smaller than they can be."""

from __future__ import annotations

from bark.errors import TrainingError


def at_least(table: str, **settings: tuple[float, float]) -> None:
    """Checks settings of a table, each a value and the least that it may be.

    Raises:
        TrainingError: one is smaller; the text names it.
    """
    for name, (value, least) in settings.items():
        if not value >= least:
            raise TrainingError(f"{table}: {name} must be at least {least:g}, not {value!r}")
