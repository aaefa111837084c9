"""What the pages on dialogue and projects show, works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("dialogue.md", "projects.md")}


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [code for kind, code in found if kind == language]


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")  # what random weights say looks wrong
@pytest.mark.parametrize("page", PAGES)
def test_python_examples(page: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    code = blocks(page, "python")
    assert code
    for block in code:
        exec(compile(block, page, "exec"), {"__name__": "docs"})


def test_the_script_is_one() -> None:
    from bark.text.script import parse_script

    script = parse_script(blocks("dialogue.md", "")[0])
    assert script.speakers == ["NARRATOR", "ANN", "Bob", "WOMAN"]
    assert script.cast["Bob"].seed == 4
