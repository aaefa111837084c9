"""Which language a text is in: by its script, by small words that nearly every sentence has, and by its letters.

For the last of these py3langid is asked, where it is installed: a naive Bayes model of bytes in a row (Lui and Baldwin,
langid.py, 2012). Loading it takes half a second, so it is asked only where small words speak for another language
than is expected.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from bark.errors import OptionError
from bark.text.split import PARAGRAPH, SONG
from bark.text.tags import TAG

HAN, KANA = re.compile("[\u4e00-\u9fff]"), re.compile("[\u3041-\u30ff]")
FEW = 12  # signs of Han, which in a text with kana needn't be Chinese
SCRIPTS = (  # of languages that share theirs with no other of the thirteen
    (KANA, "ja"),
    (re.compile("[\uac00-\ud7af\u1100-\u11ff]"), "ko"),
    (HAN, "zh"),
    (re.compile("[\u0900-\u097f]"), "hi"),
    (re.compile("[\u0400-\u04ff]"), "ru"),
)
STOP_WORDS = {
    "en": "the a an and is are was were of to in it that for on with as at by this have has not be you i he she "
    "we they from or but what there his her my your will would can do did been its their had just when "
    "who how please me our",
    "de": "der die das und ist sind war ein eine einen einem einer nicht ich du er sie es wir ihr mit von zu "
    "auf für im am den dem des auch sich als bei nach aus wie wird hat haben noch aber nur um uhr kostet "
    "bis dass wenn über",
    "es": "el la los las un una y es son fue que de del en por para con no se lo su al como más pero este esta "
    "está muy hay yo tú le me mi ha han cuesta cuando desde hasta tiene años",
    "fr": "le la les un une des et est sont était que qui de du en pour avec ne pas se ce cette il elle nous "
    "vous je on au aux dans sur plus mais son sa ses leur a ont coûte à où quand très ans",
    "it": "il lo la i gli le un una uno e è sono era che di del della dei delle in per con non si su al alla "
    "come più ma questo questa ho ha hanno nel nella da dal anche molto costa anni alle",
    "pt": "o a os as um uma e é são foi que de do da dos das em no na por para com não se ao à como mais mas "
    "este esta eu você ele ela nós tem têm muito custa quando até anos às",
    "pl": "i w z na do nie to jest są był była się że o po za od dla jak ale czy już tylko co ten ta te tym "
    "przez ma mam kosztuje kiedy bardzo oraz lub go jej jego lat roku",
    "tr": "ve bir bu şu o da de ile için ne mi mı çok daha gibi var yok ben sen biz siz onlar en olarak değil "
    "ama kadar sonra önce her saat tane lira olan oldu yıl fiyatı",
}
WORDS = {language: frozenset(words.split()) for language, words in STOP_WORDS.items()}
LETTERS = {  # that few others of those with Latin letters have
    "de": "äöüß",
    "es": "ñ¿¡",
    "fr": "çœèêëîïûùâ",
    "pt": "ãõ",
    "pl": "ąćęłńśźż",
    "tr": "ğışİ",
}
PRIOR = 1.5  # words that the language which is expected has ahead
LIKELY = 0.5  # probability, where a small word is of the language too
SURE = 0.8  # where none is; of 22,000 English phrases three were thought another language's with more than that
WORD = re.compile(r"[^\W\d_]+")
FEWEST = (2, 6)  # words and letters, of which letters tell
LONGEST = 400  # characters that are looked at
MOST = 20_000  # characters of a run
END = re.compile(r"[.!?…:;][\"'”’»)\]]*\s+|[。！？：；।]\s*|\n\s*")  # of a sentence, or of what announces another's


CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*")


def language_code(language: str | None) -> str | None:
    """The code of a language, `en` of `en-GB` and `EN`; None for None.

    Raises:
        OptionError: it is none.
    """
    if language is None:
        return None
    found = CODE.fullmatch(language.lower()) if isinstance(language, str) else None
    if found is None:
        raise OptionError(f"a language is a two-letter code such as en, not {str(language)[:40]!r}")
    return found[1]


def language_of_text(text: str, expected: str | None = None) -> str | None:
    """The language of a sentence, as a two-letter code; None where nothing tells and none is expected.

    Args:
        text: a sentence; of a longer text, that of most of its beginning.
        expected: what it is likely to be in.
    """
    return told(text, expected) or expected


def told(text: str, expected: str | None = None) -> str | None:
    """What a sentence itself tells of its language; None where it doesn't. The arguments are those of the above."""
    text = TAG.sub(" ", text[:LONGEST])
    found = _by_script(text)
    if found:
        return found
    words = [word.lower() for word in WORD.findall(text)]
    scores = {language: float(sum(word in known for word in words)) for language, known in WORDS.items()}
    for language, signs in LETTERS.items():
        scores[language] += 0.7 * sum(sign in signs for sign in text.lower())
    if expected in scores:
        others = max(score for language, score in scores.items() if language != expected)
        if scores[expected] >= others:
            return expected if scores[expected] > others else None
    if len(words) >= FEWEST[0] and sum(map(len, words)) >= FEWEST[1]:
        found, probability = _by_letters(text)
        if probability >= (LIKELY if scores.get(found, 0) >= 1 else SURE):
            return found
    first = {**scores, expected: scores[expected] + PRIOR} if expected in scores else scores
    best = max(first, key=lambda language: first[language])
    return best if scores[best] else None


def by_language(text: str, expected: str = "en") -> Iterator[tuple[str, str]]:
    """A text in runs of whole sentences, or of what ends in a colon, each in one language; joined they are the text.

    A run ends where the language changes, with its paragraph, and where it grows too long to wait for. What doesn't
    tell its language belongs to what is before it, at the beginning to what comes after it; a few signs of Han are
    Japanese where there is kana. Lines of song between ♪ are never cut.

    Args:
        text: of any length.
        expected: that of what doesn't tell, where nothing does, and of what might be in several.

    Returns:
        Each run, and its language as a two-letter code; as soon as it has ended.
    """
    start, language = 0, None
    japanese = KANA.search(text) is not None
    for begin, end in _clauses(text):
        part = text[begin:end]
        found = told(part, language or expected)
        if found == "zh" and japanese and len(HAN.findall(part)) <= FEW:
            found = None
        if found is not None and language is not None and found != language and begin > start:
            yield text[start:begin], language
            start = begin
        language = found or language
        if end - start > MOST or (PARAGRAPH.search(part) and (language is not None or end - start > LONGEST)):
            yield text[start:end], language or expected
            start = end
    if start < len(text):
        yield text[start:], language or expected


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    """Characters [start, end) of each sentence, or what ends in a colon, with the space after it."""
    start, songs = 0, SONG.finditer(text)
    song = next(songs, None)
    for match in END.finditer(text):
        while song is not None and song.end() < match.end():
            song = next(songs, None)
        if song is None or match.end() <= song.start():
            yield start, match.end()
            start = match.end()
    if start < len(text):
        yield start, len(text)


def _by_script(text: str) -> str | None:
    letters = Counter(found for pattern, found in SCRIPTS for _ in pattern.finditer(text))
    latin = sum(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())
    if not letters or sum(letters.values()) * 2 <= latin:  # a sign of these is worth more than a letter
        return None
    if letters["ja"] and letters["ja"] + letters["zh"] >= max(letters.values()):
        return "ja"
    return max(letters, key=lambda each: letters[each])


def _by_letters(text: str) -> tuple[str, float]:
    """The likeliest language, and its probability; 0 where nobody can be asked."""
    identifier = _identifier()
    return ("", 0.0) if identifier is None else identifier.classify(text)


@cache
def _identifier() -> Any:
    """Of the thirteen languages; None where it isn't installed."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages([*WORDS, *(language for _, language in SCRIPTS)])
    return made
