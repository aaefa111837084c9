"""Numbers as words: English, Hindi and Chinese here, ten other languages by num2words."""

from __future__ import annotations

import re

LARGEST = 10**15  # what is larger is read figure by figure
ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
IRREGULAR |= {"twelve": "twelfth"}
HINDI: list[str] = re.findall(
    r"\S+",
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस इक्कीस बाईस तेईस चौबीस "
    "पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस चालीस इकतालीस "
    "बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन "
    "अट्ठावन उनसठ साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर "
    "छिहत्तर सतहत्तर अठहत्तर उन्यासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी नब्बे इक्यानवे "
    "बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे",
)
HINDI_SCALES = ((10**7, "करोड़"), (10**5, "लाख"), (1000, "हज़ार"), (100, "सौ"))
HAN = "零一二三四五六七八九"
HAN_UNITS, HAN_SCALES = ("", "十", "百", "千"), ("", "万", "亿", "兆")
NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
TURKISH = re.compile(
    "trilyon|milyar|milyon|bin|yüz|on|yirmi|otuz|kırk|elli|altmış|yetmiş|seksen|doksan|"
    "sıfır|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz"
)


class Unsayable(Exception):
    """There are no words for a number."""


def cardinal(number: int, language: str) -> str:
    """A whole number, from 0 up, in words.

    Raises:
        Unsayable: there are none.
    """
    if number >= LARGEST:
        return figures(str(number), language)
    if language == "en":
        return _english(number)
    if language == "hi":
        return _hindi(number)
    if language == "zh":
        return _chinese(number)
    words = _by_library(number, language, "cardinal")
    if language == "ru" and words.startswith("одна тысяча"):
        return words.removeprefix("одна ")
    return _turkish(words) if language == "tr" else words


def as_int(digits: str) -> int | None:
    """The number that is written so, with figures alone; None for one that is read figure by figure."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(LARGEST)) else None


def cardinal_of(digits: str, language: str) -> str:
    """A whole number, as it is written, in words; raises as `cardinal` does."""
    number = as_int(digits)
    return figures(digits, language) if number is None else cardinal(number, language)


def ordinal(number: int, language: str) -> str:
    """Its place in a row, in words, masculine; raises as `cardinal` does."""
    if language == "en":
        *before, last = re.split(r"([ -])", _english(number))
        return "".join(before) + (
            IRREGULAR.get(last) or f"{last.removesuffix('y')}{'ie' if last.endswith('y') else ''}th"
        )
    if language == "hi":
        return {1: "पहला", 2: "दूसरा", 3: "तीसरा", 4: "चौथा", 6: "छठा"}.get(number) or f"{_hindi(number)}वाँ"
    if language == "zh":
        return f"第{_chinese(number)}"
    return _by_library(number, language, "ordinal")


def year(number: int, language: str) -> str:
    """A year, as it is said in dates; raises as `cardinal` does."""
    century, rest = divmod(number, 100)
    if language == "en" and 1100 <= number < 10_000 and (century % 10 or rest >= 10) and century % 10 + rest:
        return f"{_english(century)} {_rest(rest)}"
    if language == "de" and 1100 <= number < 2000:
        return f"{cardinal(century, 'de')}hundert{cardinal(rest, 'de') if rest else ''}"
    if language == "zh" and number >= 1000:
        return figures(str(number), "zh")
    return cardinal(number, language)


def figures(digits: str, language: str) -> str:
    """Each figure for itself; raises as `cardinal` does."""
    between = "" if language in ("zh", "ja") else " "
    return between.join(cardinal(int(figure), language) for figure in digits)


def native(number: int) -> str:
    """A number of Korean's own, 1 to 99, as it stands before what is counted."""
    return "스무" if number == 20 else NATIVE_TENS[number // 10] + NATIVE_ONES[number % 10]


def _rest(rest: int) -> str:
    return "hundred" if not rest else f"oh {_english(rest)}" if rest < 10 else _english(rest)


def _english(number: int) -> str:
    """As Americans say it, without "and"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (f" {_english(number % 100)}" if number % 100 else "")
    size, name = next(scale for scale in SCALES if number >= scale[0])
    rest = number % size
    return f"{_english(number // size)} {name}" + (f" {_english(rest)}" if rest else "")


def _hindi(number: int) -> str:
    if number < 100:
        return HINDI[number]
    size, name = next(scale for scale in HINDI_SCALES if number >= scale[0])
    rest = f" {_hindi(number % size)}" if number % size else ""
    return f"{_hindi(number // size)} {name}{rest}"


def _chinese(number: int) -> str:
    if number < 10:
        return HAN[number]
    groups = [int(group) for group in re.findall(r"\d{1,4}(?=(?:\d{4})*$)", str(number))]
    said = ""
    for place, group in enumerate(groups):
        scale = HAN_SCALES[len(groups) - 1 - place]
        if group:
            said += ("零" if said and group < 1000 else "") + _group(group) + scale
    said = re.sub(r"^一十", "十", said)
    return re.sub(r"(?<![十零])二(?=[千万亿])", "两", said)


def _group(number: int) -> str:
    """Of four figures."""
    text = str(number)
    parts = [
        HAN[int(figure)] + (HAN_UNITS[len(text) - 1 - i] if figure != "0" else "") for i, figure in enumerate(text)
    ]
    return re.sub("零+", "零", "".join(parts)).rstrip("零")


def _turkish(words: str) -> str:
    """num2words writes them in one."""
    return " ".join(TURKISH.findall(words)) or words


def _by_library(number: int, language: str, to: str) -> str:
    from num2words import num2words  # not before a number needs it

    try:
        return str(num2words(number, lang=language, to=to))
    except (NotImplementedError, LookupError, ValueError, OverflowError, TypeError) as error:
        raise Unsayable(f"{number} in {language}") from error
