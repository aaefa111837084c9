"""Writes what the bundled model says when it always takes the likeliest token: python tests/golden/make.py"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_bundled import GOLDEN, GOLDEN_VOICES, LIKELIEST, LINE

from bark.pipeline import Bark


def main() -> None:
    """Replaces the file that the test reads."""
    pup, golden = Bark("pup", "cpu", "float32"), {}
    for voice in GOLDEN_VOICES:
        tokens = pup.generate(LINE, voice, options=LIKELIEST).tokens
        golden[voice] = {"semantic": tokens.semantic.tolist(), "fine": tokens.fine.tolist()}
    GOLDEN.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
