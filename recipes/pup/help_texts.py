"""Sentences of LibreOffice's help (MPL-2.0), which is translated into every language that pup speaks.

They come from Debian's packages `libreoffice-help-*`, which are fetched and not installed.
"""

from __future__ import annotations

import html
import random
import re
import subprocess
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bark.errors import BarkError

PACKAGES = {"pt": "pt-br", "zh": "zh-cn"}  # the others are named as their language
SCRIPTS = {  # letters that a sentence may have, by the first word of their Unicode names
    "hi": {"DEVANAGARI"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
    "ko": {"HANGUL"},
    "ru": {"CYRILLIC"},
    "zh": {"CJK"},
}
LENGTHS = {"ja": (10, 45), "zh": (8, 30), "ko": (12, 50)}  # in characters
OTHERS = (25, 120)
ALIKE = 4  # sentences at most that begin with the same letters: "Click the …"
BEGINNING = {"ja": 5, "zh": 3, "ko": 4}
_PARAGRAPH = re.compile(r'<p [^>]*class="(?:paragraph|listitem|tip|note)[^"]*"[^>]*>(.*?)</p>', re.DOTALL)
_SKIPPED = re.compile(r'class="(?:menuitem|emph|keycode|literal|input|code|switchinline)|<img')
_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।])")
_PUNCTUATION = set(" ,.?!'-;:’，。？！、；：।·ー")


def sentences(language: str, folder: Path, limit: int) -> list[str]:
    """Sentences that can be read aloud, the same ones in the same order every time.

    Args:
        language: two letters.
        folder: where they are kept once they have been fetched, as `LANGUAGE.txt`.
        limit: how many, at most.

    Raises:
        BarkError: Debian's package can't be fetched.
    """
    path = folder / f"{language}.txt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        found = list(_varied(_fetched(language), language))
        temporary = path.with_suffix(".part")
        temporary.write_text("\n".join(found) + "\n", encoding="utf-8")
        temporary.replace(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return random.Random(language).sample(lines, min(limit, len(lines)))


def readable(pages: Iterable[str], language: str) -> Iterator[str]:
    """The sentences of HTML pages that have nothing but words of their language: no menus, keys, code, figures."""
    low, high = LENGTHS.get(language, OTHERS)
    seen: set[str] = set()
    for page in pages:
        for paragraph in _PARAGRAPH.findall(page):
            if _SKIPPED.search(paragraph):
                continue
            text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", paragraph)).split())
            for sentence in map(str.strip, _END.split(text)):
                if low <= len(sentence) <= high and sentence not in seen and _is_sentence(sentence, language):
                    seen.add(sentence)
                    yield sentence


def _is_sentence(text: str, language: str) -> bool:
    if text[-1] not in ".?!。？！।" or not text[0].isalpha() or text[0] != text[0].upper():
        return False
    if not all(c.isalpha() or unicodedata.category(c)[0] == "M" or c in _PUNCTUATION for c in text):
        return False
    scripts = SCRIPTS.get(language, {"LATIN"})
    return {unicodedata.name(c, "?").split()[0] for c in text if c.isalpha() and c != "ー"} <= scripts


def _varied(pages: Iterable[str], language: str) -> Iterator[str]:
    begun: Counter[str] = Counter()
    for sentence in readable(pages, language):
        beginning = sentence[: BEGINNING.get(language, 14)]
        begun[beginning] += 1
        if begun[beginning] <= ALIKE:
            yield sentence


def _fetched(language: str) -> Iterator[str]:
    package = f"libreoffice-help-{PACKAGES.get(language, language)}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            _run(["apt-get", "download", package], folder)
            _run(["dpkg-deb", "-x", str(next(Path(folder).glob("*.deb"))), "unpacked"], folder)
        except (OSError, subprocess.CalledProcessError, StopIteration) as error:
            raise BarkError(
                f"can't fetch Debian's package {package}: {error}; it needs apt-get and dpkg-deb, and a network"
            ) from error
        for page in sorted(Path(folder, "unpacked").rglob("*.html")):
            yield page.read_text(encoding="utf-8")


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
