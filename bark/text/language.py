"""Which language a text is in, by its script and by small words that nearly every sentence has."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SCRIPTS = (  # of languages that share theirs with no other of the thirteen
    (re.compile("[\u3041-\u30ff]"), "ja"),
    (re.compile("[\uac00-\ud7af\u1100-\u11ff]"), "ko"),
    (re.compile("[\u4e00-\u9fff]"), "zh"),
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
WORD = re.compile(r"[^\W\d_]+")


def language_of_text(text: str, expected: str | None = None) -> str | None:
    """The language of a sentence, as a two-letter code; None where nothing tells and none is expected.

    Args:
        text: a sentence; of a longer text, that of most of it.
        expected: what it is likely to be in.
    """
    letters = Counter(found for pattern, found in SCRIPTS for _ in pattern.finditer(text))
    latin = sum(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())
    if letters and sum(letters.values()) * 2 > latin:  # a sign of these is worth more than a letter
        return (
            "ja"
            if letters["ja"] and letters["ja"] + letters["zh"] >= max(letters.values())
            else max(letters, key=lambda each: letters[each])
        )
    words = [word.lower() for word in WORD.findall(text)]
    scores = {language: float(sum(word in known for word in words)) for language, known in WORDS.items()}
    for language, signs in LETTERS.items():
        scores[language] += 0.7 * sum(sign in signs for sign in text.lower())
    if expected in scores:
        scores[expected] += PRIOR
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else expected
