"""That whoever is heard in a recording has agreed to have a voice made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from bark.errors import OptionError

STATEMENT = "The person who is heard in the recording has agreed that a synthetic voice is made of it, and to its use."
LONGEST = 500  # characters of each part


@dataclass(frozen=True)
class Consent:
    """Who says that the speaker agrees, when, and to what. It is kept in the voice's file.

    Attributes:
        by: the name of the speaker, or of who answers for the speaker's consent.
        at: when, in ISO 8601 with a time zone.
        statement: what was agreed to.

    Raises:
        OptionError: a part is empty, too long or of several lines, or the time is none.
    """

    by: str
    at: str
    statement: str = STATEMENT

    def __post_init__(self) -> None:
        for name, value in (("by", self.by), ("statement", self.statement)):
            if not value.strip() or len(value) > LONGEST or re.search(r"[\x00-\x1f\x7f]", value):
                raise OptionError(f"consent: {name} must be one line of 1 to {LONGEST} characters, not {value[:40]!r}")
        try:
            zone = datetime.fromisoformat(self.at).tzinfo
        except ValueError:
            zone = None
        if zone is None:
            raise OptionError(f"consent: at must be a time as 2026-01-31T12:00:00+00:00, not {self.at[:40]!r}")

    @classmethod
    def now(cls, by: str, statement: str = STATEMENT) -> Consent:
        """A consent that is given at this moment; raises as the class does."""
        return cls(by, datetime.now(timezone.utc).isoformat(timespec="seconds"), statement)

    def about(self) -> dict[str, str]:
        """As the voice's file has it."""
        return {"consent_by": self.by, "consent_at": self.at, "consent_statement": self.statement}
