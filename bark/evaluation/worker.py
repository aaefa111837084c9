"""The process that speaks: `python -m bark.evaluation.worker`, a job as JSON on standard input.

It holds the system and nothing else, so its peak memory is the system's. On standard output, a line of JSON says
how many clips are there, or what went wrong; what the system itself prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from bark.errors import BarkError
from bark.evaluation.synthesis import Line, speak
from bark.evaluation.systems import SystemSpec


def main() -> int:
    """Does the job; 1 when it could not."""
    out = sys.stdout

    def tell(values: dict[str, Any]) -> None:
        print(json.dumps(values), file=out, flush=True)

    job = json.load(sys.stdin)
    spec = SystemSpec(**job["spec"])
    lines = [Line(**line) for line in job["lines"]]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            speak(spec.make, lines, Path(job["folder"]), spec.key(), lambda done: tell({"done": done}))
    except BarkError as error:
        tell({"error": str(error)})
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
