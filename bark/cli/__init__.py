"""The command `bark`: one file a command, and nothing imported that the command doesn't need."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["cli"]


def cli() -> NoReturn:
    """Runs the command of `sys.argv` and exits, under the name that it has in the original."""
    from bark.cli.main import main

    main()
