"""Sentences of numbers, dates, names and places, and ones that change their language, made from `texts/`."""

from __future__ import annotations

import datetime
import random
import tomllib
from pathlib import Path
from typing import Any

from bark.evaluation.packages import require

HERE = Path(__file__).parent / "texts"
LOCALES = {"pt": "pt_BR", "zh": "zh_Hans_CN"}
COUNTRIES = ("FI", "PE", "EG", "CA", "IN", "JP", "BR", "KE", "NO", "VN", "GR", "MX")
DATES = {  # as babel writes patterns
    "de": "d. MMMM",
    "es": "d 'de' MMMM",
    "ja": "M月d日",
    "ko": "M월 d일",
    "pt": "d 'de' MMMM",
    "zh": "M月d日",
}
ORDINAL_DAYS = {"de": {}, "pl": {}, "ru": {"gender": "n"}}  # with what num2words wants to know


def sentences(language: str, count: int, seed: int = 0) -> list[str]:
    """Filled-in templates, different ones, each template as often as any other.

    Some have marks of how a part is said, `[5.|fünfte]`; see `recipes.pup.g2p`.

    Args:
        language: two letters; none of English.
        count: how many; fewer where the templates don't allow so many.
        seed: of the choice.
    """
    templates = tomllib.loads((HERE / "templates.toml").read_text(encoding="utf-8"))[language]
    rng = random.Random(f"{language}/{seed}")
    found: dict[str, None] = {}
    for number in range(3 * count):
        if len(found) == count:
            break
        line: str = templates["lines"][number % len(templates["lines"])]
        filled = line.format(**_slots(templates, language, rng))
        found[filled[0].upper() + filled[1:]] = None
    return list(found)


def switched(language: str) -> list[str]:
    """Sentences with a part in another language, marked as `[en:…]`."""
    lines = (line.split("\t") for line in (HERE / "switched.txt").read_text(encoding="utf-8").splitlines())
    return [text for code, text in lines if code == language]


def written_out(number: int, language: str) -> str:
    """A whole number in words.

    Raises:
        BarkError: the package that knows them isn't installed.
    """
    if language == "zh":
        return str(require("cn2an").an2cn(number))
    if language == "hi":
        return str(require("indic_numtowords").num2words(number, lang="hi"))
    return str(require("num2words").num2words(number, lang={"pt": "pt_BR"}.get(language, language)))


def _slots(templates: dict[str, Any], language: str, rng: random.Random) -> dict[str, object]:
    """A value for each room that a template may have; all are drawn, so that a template more changes no other."""
    babel = require("babel").Locale.parse(LOCALES.get(language, language))
    day = datetime.date(2024, 1, 1) + datetime.timedelta(rng.randrange(366))
    return {
        "n": rng.randint(2, 99),
        "hundreds": rng.randint(100, 999),
        "year": rng.randint(1890, 2035),
        "percent": rng.randint(2, 99),
        "h": rng.randint(2, 23),
        "m": rng.randint(10, 59),
        "words": written_out(rng.choice([rng.randint(2, 30), rng.randint(31, 999)]), language),
        "date": _date(day, language),
        "weekday": babel.days["stand-alone"]["wide"][day.weekday()],
        "country": babel.territories[rng.choice(COUNTRIES)],
        "name": rng.choice(templates["names"]),
        "city": rng.choice(templates["cities"]),
    }


def _date(day: datetime.date, language: str) -> str:
    pattern, locale = DATES.get(language, "d MMMM"), LOCALES.get(language, language)
    written: str = require("babel.dates").format_date(day, pattern, locale=locale)
    if language not in ORDINAL_DAYS:
        return written
    figure, month = written.split(" ", 1)
    said = require("num2words").num2words(day.day, to="ordinal", lang=language, **ORDINAL_DAYS[language])
    return f"[{figure}|{said}] {month}"
