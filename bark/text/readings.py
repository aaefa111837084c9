"""Chinese and Japanese as they are read: too many signs to learn from little speech become few.

Chinese becomes pinyin with the tone behind each syllable, `ni3hao3`, Japanese katakana as pronounced, and the marks
between them those of Latin letters. What stands in other letters stays, so that a reading, read again, is the same.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from bark.errors import warn
from bark.text.tags import TAG

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA, KATAKANA = "\u3041-\u3096\u309d-\u309f", "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
SIGNS = re.compile(f"[{HAN}{HIRAGANA}]")  # katakana alone is its own reading
KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
CHINESE = re.compile(f"[{HAN}]+")
FEW = {"zh": 1, "ja": 20, None: 4}  # signs of Han to one of kana, in what is expected: with more, it is Chinese
SENTENCE = re.compile(r"(?<=[。！？!?\n])|(?<=[.…]\s)")
LONGEST = 300  # characters that are analysed at once
TAG_LENGTH = 40  # and of a tag, which stays whole
LETTER = rf"[^\W\d_{HAN}{HIRAGANA}{KATAKANA}]"
# tags, and words in letters of others; but what is in a few capitals is spelled as Japanese does, AI as エーアイ
FOREIGN = re.compile(
    rf"{TAG.pattern}|(?![A-Z]{{1,4}}(?!{LETTER}|[\d'’]))"
    rf"{LETTER}(?:{LETTER}|[\d\u0300-\u036f\u0900-\u0fff'’&_-]|\.(?={LETTER}))*"
)
SPACES = re.compile(r"\s+")
STANDIN = "Ж"  # for these, of which OpenJTalk thinks nothing
FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff61-\uff9f]+")
NOT_ASCII = re.compile("[\uff01-\uff5e]+")
ENDS = {"。": ".", "．": ".", "、": ",", "，": ",", "！": "!", "？": "?", "：": ":", "；": ";", "」": "”", "』": "”"}
ENDS |= {"》": "”", "】": "”", "〉": "”", "〕": "”", "）": ")"}
BEGINS = {"「": "“", "『": "“", "《": "“", "【": "“", "〈": "“", "〔": "“", "（": "("}
APART = {"・": "", "·": "", "〜": "—", "～": "—"}
MARK = re.compile(f"[{''.join(map(re.escape, {**ENDS, **BEGINS, **APART}))}]")
OWN = re.compile(f"{SIGNS.pattern}|{KANA.pattern}|[{''.join({**ENDS, **BEGINS})}]")
SOFT = "\ue000"  # a space, where there is none yet and the marks beside it want one
SPACED = {ord(SOFT): None, 0x3000: " "}
TO_KATAKANA = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
AS_SAID = str.maketrans({"ヲ": "オ", "ヂ": "ジ", "ヅ": "ズ", "ヰ": "イ", "ヱ": "エ", "’": None, "'": None})
SOUND = re.compile(r"[^\W_]|♪")
SPOKEN = re.compile(rf"[{KATAKANA}]+")

# words of syllables with their tones, without groups; no other language writes figures behind its words
SYLLABLE = (
    "(?:(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?(?:a[io]?|ang?|ei?|eng?|i(?:a[on]?|ang|e|ng?|u|ong)?|ong|ou|ü(?:an|e|n)?"
    "|u(?:ai?|ang?|i|e|n|o)?)|[bpmfwyl]?o|er|[rmnê]|h?ng|hm)"
)
PINYIN = rf"(?<![^\W_])(?:{SYLLABLE}[1-5])+(?![^\W_])"


def readings(text: str, language: str | None = None) -> str:
    """The text with its Chinese and Japanese as they are read, and all else as it is.

    A sentence with kana is Japanese, one without Chinese, unless `language` says otherwise.

    Args:
        text: of any length.
        language: that is expected, as a two-letter code.

    Returns:
        The text, without signs that nobody reads, unless it is nothing else. Where the package that knows the readings
        isn't installed, all stay (`BarkWarning`).
    """
    if not OWN.search(text):
        return text
    if KANA.search(text):
        language = "ja" if _is_japanese(text, language) else "zh"
    read = _spaced("".join(_sentence(part, language) for part in SENTENCE.split(text.translate(SPACED))))
    return read if SOUND.search(read) else text


def _is_japanese(text: str, expected: str | None) -> bool:
    kana, han = len(KANA.findall(text)), sum(map(len, CHINESE.findall(text)))
    return kana * FEW.get(expected, FEW[None]) >= han if kana else expected == "ja"


def _sentence(text: str, expected: str | None) -> str:
    """One as it is read, with soft spaces."""
    if not OWN.search(text):
        return text
    text = _normal(FULL_WIDTH, text)
    own = TAG.sub("", text)
    read = _reader("ja" if _is_japanese(own, expected) else "zh") if SIGNS.search(own) else None
    if read is None:
        return _marked(text)
    end = len(text.rstrip())
    return "".join(map(read, _pieces(text[:end]))) + text[end:]


def _pieces(text: str) -> Iterator[str]:
    """A text, in pieces of `LONGEST` characters at most, none of which ends within a tag."""
    at = 0
    while at < len(text):
        end = min(len(text), at + LONGEST)
        opened = text.rfind("[", max(at + 1, end - TAG_LENGTH), end)
        if opened > 0 and "]" not in text[opened:end] and end < len(text):
            end = opened
        yield text[at:end]
        at = end


def _normal(characters: re.Pattern[str], text: str) -> str:
    """The text with these as NFKC has them."""
    return characters.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def _marked(text: str) -> str:
    """Marks as they are beside Latin letters."""

    def mark(found: re.Match[str]) -> str:
        sign = found[0]
        if sign in ENDS:
            return f"{ENDS[sign]}{SOFT}"
        return f"{SOFT}{BEGINS[sign]}" if sign in BEGINS else f"{SOFT}{APART[sign]}{SOFT}"

    return MARK.sub(mark, text)


def _spaced(text: str) -> str:
    """Spaces where they are wanted: between words, but not after what opens, nor before what ends."""
    text = re.sub(rf"{SOFT}+(?=[.,!?:;”’)\]…\n]|$)|(?<=[“‘(\n]){SOFT}+|^{SOFT}+", "", text)
    return re.sub(rf"(?:[^\S\n]|{SOFT})+", lambda found: " " if SOFT in found[0] else found[0], text)


@cache
def _reader(language: str) -> Callable[[str], str] | None:
    return _japanese() if language == "ja" else _chinese()


def _chinese() -> Callable[[str], str] | None:
    """Words by jieba, each read by pypinyin; without sandhi, of which pup's teacher is told nothing either."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of jieba's own
            import jieba
            import pypinyin
    except ImportError as error:
        warn(f"Chinese is not read as pinyin, because {error}; pip install 'openbark[text]'")
        return None
    words = jieba.Tokenizer()
    words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
    words.initialized = True  # or it would read a file in the folder for temporary ones, where anybody may write

    def word(signs: str) -> str:
        syllables = pypinyin.lazy_pinyin(
            signs, style=pypinyin.Style.TONE3, neutral_tone_with_five=True, v_to_u=True, errors="default"
        )
        return "".join(syllables)

    def read(text: str) -> str:
        said = CHINESE.sub(lambda found: SOFT + SOFT.join(map(word, words.lcut(found[0]))) + SOFT, text)
        return CHINESE.sub("", _marked(said.translate(TO_KATAKANA)))

    return read


def _japanese() -> Callable[[str], str] | None:
    """Words as OpenJTalk cuts and pronounces them; one that leans on the one before is written together with it."""
    try:
        import pyopenjtalk
    except ImportError as error:
        warn(f"Japanese is not read as kana, because {error}; pip install 'openbark[text]'")
        return None

    def read(text: str) -> str:
        foreign = FOREIGN.findall(text)
        nodes = pyopenjtalk.run_frontend(FOREIGN.sub(STANDIN, SPACES.sub(" ", text)), use_sudachi_kanji_yomi=False)
        rest = iter(foreign)
        return "".join(_node(node, rest) for node in nodes)

    return read


def _node(node: Any, foreign: Iterator[str]) -> str:
    written = node["string"]
    if STANDIN in written:
        return "".join(f"{SOFT}{next(foreign)}{SOFT}" if sign == STANDIN else _marked(sign) for sign in written)
    said: str = node["pron"].translate(AS_SAID)
    if SPOKEN.fullmatch(said):
        return said if node["chain_flag"] == 1 else SOFT + said
    return SIGNS.sub("", _normal(NOT_ASCII, _marked(written)))
