"""What some pages show, works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile

from tests.voices.speech import RATE, babble

DOCS = Path(__file__).parent.parent / "docs"
NAMES = ("dialogue.md", "projects.md", "voices.md", "text.md")
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in NAMES}


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [code for kind, code in found if kind == language]


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")  # what random weights say looks wrong
@pytest.mark.parametrize("page", PAGES)
def test_python_examples(page: str, hearing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", str(hearing))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "recording.wav", babble(), RATE)
    code = blocks(page, "python")
    assert code
    for block in code:
        exec(compile(block, page, "exec"), {"__name__": "docs"})


def test_the_script_is_one() -> None:
    from bark.text.script import parse_script

    script = parse_script(blocks("dialogue.md", "")[0])
    assert script.speakers == ["NARRATOR", "ANN", "Bob", "WOMAN"]
    assert script.cast["Bob"].seed == 4


def test_the_words_are_those_of_the_page() -> None:
    from bark.text.verbalize import verbalize

    shown = re.findall(r'verbalize\("(.*)"\)\)\s*# (.*)', "\n".join(blocks("text.md", "python")))
    assert len(shown) == 2
    for written, said in shown:
        assert verbalize(written) == said


@pytest.mark.filterwarnings("ignore")  # of jieba
def test_the_readings_are_those_of_the_page() -> None:
    pytest.importorskip("jieba")
    pytest.importorskip("pyopenjtalk")
    from bark.text.readings import readings

    shown = re.findall(r'readings\("(.*)"\)\)\s*# (.*)', "\n".join(blocks("text.md", "python")))
    assert len(shown) == 2
    for written, said in shown:
        assert readings(written) == said
