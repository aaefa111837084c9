"""API keys: who may ask, and under what name."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bark.errors import OptionError
from bark.files import reason

SHORTEST = 16  # characters
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
SIGNS = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # what a header can hold, but for spaces and commas


@dataclass(frozen=True)
class Key:
    """A key, kept as its hash.

    Attributes:
        name: of who has it; in logs, and of the folder of their voices.
        digest: SHA-256 of the key.
    """

    name: str
    digest: bytes = field(repr=False)

    @classmethod
    def parse(cls, entry: str) -> Key:
        """Reads `KEY` or `NAME:KEY`; a key without a name is called by the beginning of its hash.

        Raises:
            OptionError: the key is too short, or the name is none.
        """
        name, colon, secret = entry.partition(":")
        if not colon:
            name, secret = "", entry
        if len(secret) < SHORTEST or not SIGNS.fullmatch(secret):
            raise OptionError(
                f"an API key has at least {SHORTEST} characters, without spaces and commas; "
                "`openssl rand -hex 24` makes one"
            )
        digest = _digest(secret)
        name = name if colon else f"key-{digest.hex()[:8]}"
        if not NAME.fullmatch(name):
            raise OptionError("the name of an API key is up to 32 letters, digits, - and _")
        return cls(name, digest)


def parse_keys(text: str) -> tuple[Key, ...]:
    """Keys with commas or lines between; what follows a # at the beginning of a line is left out.

    Raises:
        OptionError: as `Key.parse`.
    """
    lines = (line.strip() for line in text.splitlines())
    entries = (entry.strip() for line in lines if not line.startswith("#") for entry in line.split(","))
    return tuple(Key.parse(entry) for entry in entries if entry)


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file.

    Raises:
        OptionError: it can't be read, has none, or as `Key.parse`.
    """
    try:
        keys = parse_keys(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"can't read the API keys in {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise OptionError(f"the API keys in {path} are not text") from error
    if not keys:
        raise OptionError(f"there is no API key in {path}")
    return keys


def find_key(keys: Iterable[Key], secret: str) -> Key | None:
    """The key that a caller has; as long for a wrong one as for a right one."""
    digest, found = _digest(secret), None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
