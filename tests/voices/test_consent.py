"""Who says that a speaker agrees, when, and to what."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bark.errors import OptionError
from bark.voices import Consent
from bark.voices.consent import STATEMENT


def test_now() -> None:
    given = Consent.now("Ann Example")
    assert given.by == "Ann Example" and given.statement == STATEMENT
    assert abs(datetime.fromisoformat(given.at) - datetime.now(timezone.utc)) < timedelta(seconds=10)
    assert given.about() == {"consent_by": given.by, "consent_at": given.at, "consent_statement": STATEMENT}


@pytest.mark.parametrize(
    ("by", "at", "statement", "reason"),
    [
        ("", "2026-01-31T12:00:00+00:00", "Yes.", "by must be one line"),
        ("  ", "2026-01-31T12:00:00+00:00", "Yes.", "by must be one line"),
        ("Ann\nBob", "2026-01-31T12:00:00+00:00", "Yes.", "by must be one line"),
        ("A" * 501, "2026-01-31T12:00:00+00:00", "Yes.", "1 to 500 characters"),
        ("Ann", "2026-01-31T12:00:00+00:00", "", "statement must be one line"),
        ("Ann", "2026-01-31T12:00:00", "Yes.", "at must be a time"),
        ("Ann", "yesterday", "Yes.", "at must be a time"),
    ],
)
def test_what_is_no_consent(by: str, at: str, statement: str, reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        Consent(by, at, statement)
