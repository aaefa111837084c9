"""What is replaced by words in a language, and by which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bark.text.forms import SPOKEN, Forms, Spoken
from bark.text.numbers import Unsayable, as_int, cardinal, cardinal_of, figures, native, ordinal, year

Said = Callable[[re.Match[str]], str]
END = re.compile(r"[\s\"'»”)]*\Z")
CODES = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
COUNTED = "시간|시|개|명|살|마리|잔|권|번째"  # which Korean's own numbers stand before
TWELVE = re.compile(r"\s*([ap])\.?\s?m\b\.?", re.IGNORECASE)
DATIVE = re.compile(r"\b(?:am|vom|zum|bis|ab|dem|den|seit|im|beim)\s$", re.IGNORECASE)
POLISH_AT = re.compile(r"\b(?:o|po|od|do)\s$", re.IGNORECASE)
GERMAN = (
    "Der|Die|Das|Ein|Eine|Ich|Du|Er|Sie|Es|Wir|Ihr|Und|Aber|Dann|Da|Dort|Wer|Wie|Was|Im|In|Am|An|Auf"  # new sentences
)
ARTICLE = re.compile(r"\b(?:der|die|das)\s$", re.IGNORECASE)
SIGN = r"((?<![\w.,)\]%°€$£¥₹₩₽₺])[-−+])?"  # of the sum or the share that follows


class Rules:
    """What is replaced in a language, in order: what means more comes before its parts.

    Args:
        language: of `SPOKEN`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.words: Spoken = SPOKEN[language]
        point, group = re.escape(self.words.decimal), f"[{re.escape(self.words.thousands)}\u00a0\u202f]"
        # no more groups than that, lest a long list of them be tried from each of its members
        self.number = rf"\d{{1,3}}(?:{group}\d{{3}}){{1,16}}(?:{point}\d+)?(?!\d)|\d+(?:{point}\d+)?"

    def all(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        """Patterns, and what is said for each."""
        yield self._abbreviations()
        yield from self._dates()
        yield from self._times()
        yield from self._money()
        yield from self._percent()
        yield from self._ordinals()
        if self.language == "en":
            yield re.compile(r"(?<![\d.,])(\d\d)?(\d0)['’]?s(?!\w)"), self._decade
        if self.language == "ko":
            yield re.compile(rf"(?<![\d.,])(\d{{1,2}})(\s?)(?={COUNTED})"), self._counted
        if self.language in ("zh", "ja", "ko"):
            yield re.compile(r"(?<!\d)(\d{4})(?=\s?[年년])"), lambda m: self._spaced(m, year(int(m[1]), self.language))
        yield re.compile(rf"(?<![\w.])[-−](?={self.number})"), lambda m: self._apart(self.words.minus)
        yield re.compile(rf"(?<!\w)\+(?=\s?(?:{self.number}))"), lambda m: self._apart(self.words.plus)
        yield re.compile(r"(?<![\d.,])(?:0\d{4,}|\+?\d{3,}(?:-\d{2,})+)(?!\d)"), self._figures
        yield re.compile(self.number), lambda m: self._spaced(m, self.said(m[0]))

    def said(self, number: str) -> str:
        """A number as it is written, in words."""
        whole = re.sub(r"\D", "", number.partition(self.words.decimal)[0])
        if self._year_alone(whole, number):
            return year(int(whole), self.language)
        return self._counted_as(number)

    def _year_alone(self, whole: str, number: str) -> bool:
        """Whether a bare number of four figures is taken for a year; a wrong guess is still understood."""
        return self.language in ("en", "de") and whole == number and len(whole) == 4 and 1100 <= int(whole) <= 2099

    def _abbreviations(self) -> tuple[re.Pattern[str], Said]:
        known = sorted(self.words.short, key=len, reverse=True)
        numbers = {"No.", "Nr.", "nr", "n.", "pag.", "n.º", "núm."}  # words too, where no number follows
        parts = [rf"{re.escape(each)}(?=\s?\d)" if each in numbers else re.escape(each) for each in known]
        end = r"(?!\w)"
        pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(parts)}){end}" if parts else r"(?!)")
        return pattern, lambda m: self._kept_stop(m, self.words.short[m[0]])

    def _kept_stop(self, match: re.Match[str], words: str) -> str:
        """With the full stop of the sentence that it ends, which is written once."""
        last = END.match(match.string, match.end()) and match[0].endswith(".")
        return f"{words}." if last else words

    def _dates(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        yield re.compile(r"(?<![\d-])(\d{4})-(\d\d)-(\d\d)(?![\d-])"), lambda m: self._date(m, m[3], m[2], m[1])
        if self.language == "en":
            yield re.compile(r"(?<![\d/])(\d\d?)/(\d\d?)/(\d{4})(?![\d/])"), self._slashed
        elif self.words.of_months:
            pattern = re.compile(r"(?<![\d./])(\d\d?)([./])(\d\d?)\2(\d{4})(?!\d)")
            yield pattern, lambda m: self._date(m, m[1], m[3], m[4])
        if not self.words.of_months:
            return
        months = "|".join(self.words.of_months)
        if self.language == "en":
            short = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
            named = rf"({months}|(?:{short})\.?)"
            tail = r"(?:st|nd|rd|th)?(?!\w)(?:,?\s(\d{4})(?!\d))?"
            yield re.compile(rf"\b{named}\s(\d\d?){tail}"), lambda m: self._english(m[1], m[2], m[3], True)
            yield (
                re.compile(rf"\b(?:the\s)?(?<!\d)(\d\d?)(?:st|nd|rd|th)?\s(?:of\s)?{named}(?:,?\s(\d{{4}}))?(?!\w)"),
                lambda m: self._english(m[2], m[1], m[3], False),
            )
            return
        of = r"(?:\s(?:de|di|del))?" if self.language in ("es", "pt", "it") else ""
        day = re.compile(rf"(?<![\d.,])(\d\d?)(\.|er|º|°)?(?={of}\s(?:{months})\b)", re.IGNORECASE)
        yield day, lambda m: self._day(m, int(m[1]))
        if self.language in ("pl", "ru"):
            after = "roku|r\\." if self.language == "pl" else "года|г\\."
            yield re.compile(rf"(?<!\d)(\d{{4}})(?=\s(?:{after}))"), lambda m: self._genitive(int(m[1]))
        if self.language == "ru":
            yield re.compile(r"(?<!\d)(\d{4})(?=\sгоду)"), lambda m: _prepositional(ordinal(int(m[1]), "ru"))

    def _slashed(self, match: re.Match[str]) -> str:
        """Of English: the month comes first, unless there is no such month."""
        month, day = (match[1], match[2]) if int(match[1]) <= 12 else (match[2], match[1])
        return self._date(match, day, month, match[3])

    def _date(self, match: re.Match[str], day: str, month: str, of_year: str) -> str:
        if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
            raise Unsayable(match[0])
        if not self.words.of_months:
            signs = "년월일" if self.language == "ko" else "年月日"
            words = [year(int(of_year), self.language), *(cardinal(int(x), self.language) for x in (month, day))]
            return (" " if self.language == "ko" else "").join(w + sign for w, sign in zip(words, signs, strict=True))
        name = self.words.of_months[int(month) - 1]
        if self.language == "en":
            return self._english(name, day, of_year, True)
        of = " de " if self.language in ("es", "pt") else " "
        if self.language in ("pl", "ru"):
            tail = f"{self._genitive(int(of_year))} {'roku' if self.language == 'pl' else 'года'}"
        else:
            tail = year(int(of_year), self.language)
        return f"{self._day(match, int(day))}{of}{name}{of}{tail}"

    def _english(self, month: str, day: str, of_year: str | None, month_first: bool) -> str:
        if not 1 <= int(day) <= 31:
            raise Unsayable(day)
        name = next(full for full in self.words.of_months if full.startswith(month.rstrip(".")[:3]))
        words = f"{name} {ordinal(int(day), 'en')}" if month_first else f"the {ordinal(int(day), 'en')} of {name}"
        return words + (f", {year(int(of_year), 'en')}" if of_year else "")

    def _day(self, match: re.Match[str], day: int) -> str:
        language = self.language
        if not 1 <= day <= 31:
            raise Unsayable(match[0])
        if language == "de":
            return self._german(match, day)
        if language in ("pl", "ru"):
            return self._genitive(day)
        if day == 1 and language in ("fr", "it", "pt", "es"):
            return {"fr": "premier", "it": "primo", "pt": "primeiro", "es": "uno"}[language]
        return cardinal(day, language)

    def _german(self, match: re.Match[str], number: int) -> str:
        """An ordinal in the case that the word before it asks for."""
        stem, before = ordinal(number, "de"), _before(match)
        return stem + ("n" if DATIVE.search(before) else "" if ARTICLE.search(before) else "r")

    def _genitive(self, number: int) -> str:
        return _in_genitive(ordinal(number, self.language), self.language)

    def _times(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        if self.language == "en":
            half = TWELVE.pattern
            yield re.compile(rf"(?<![\d:.])(\d\d?)(?::([0-5]\d))?(?:{half})", re.IGNORECASE), self._twelve
        if self.language == "de":  # with a point only before "Uhr": 3.20 may be anything
            yield re.compile(r"(?<![\d:.])([01]?\d|2[0-4])[:.]([0-5]\d)\sUhr\b"), self._clock
        sign = "[:h]" if self.language in ("fr", "pt") else ":"
        unit = r"(?:\sबजे)?" if self.language == "hi" else ""
        yield re.compile(rf"(?<![\d:.])([01]?\d|2[0-4])\s?{sign}\s?([0-5]\d){unit}(?![\d:])"), self._clock

    def _twelve(self, match: re.Match[str]) -> str:
        hour, minute = int(match[1]), int(match[2] or 0)
        if not 1 <= hour <= 12:
            raise Unsayable(match[0])
        past = f" {'oh ' if minute < 10 else ''}{cardinal(minute, 'en')}" if minute else ""
        return self._kept_stop(match, f"{cardinal(hour, 'en')}{past} {match[3].lower()} m")

    def _clock(self, match: re.Match[str]) -> str:
        hour, minute, language = int(match[1]), int(match[2]), self.language
        hours, minutes = cardinal(hour, language), cardinal(minute, language)
        if language == "en":
            past = "hundred" if hour > 12 or hour == 0 else "o'clock"
            return f"{hours} {f'oh {minutes}' if 0 < minute < 10 else minutes if minute else past}"
        if language in CLOCKS:
            whole, both = CLOCKS[language]
            return (both if minute else whole).format(hours, minutes, form(HOURS, hour, language))
        if language == "pl":
            hours = re.sub(r"y(?= |$)", "a", ordinal(hour, "pl")) if hour else "zero"
            hours = re.sub(r"i$", "ia", hours)
            if POLISH_AT.search(_before(match)):
                hours = re.sub(r"a(?= |$)", "ej", hours)
        if language == "ko":
            hours = native(hour) if 1 <= hour <= 12 else hours
            return f"{hours} 시" + (f" {minutes} 분" if minute else "")
        return f"{hours} {minutes if minute else 'zero zero' if language == 'pl' else ''}".strip()

    def _money(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        money = self.words.money
        signs = {**{sign: sign for sign in money}, **{code: sign for code, sign in CODES.items() if sign in money}}
        known = "|".join(re.escape(each) for each in sorted(signs, key=len, reverse=True))
        scale = r"(?:\s(million|billion|trillion|thousand)s?\b)?" if self.language == "en" else "()"
        yield (
            re.compile(rf"{SIGN}({known})\s?([-−](?=\d))?({self.number}){scale}"),
            lambda m: self._spaced(m, self._signed(m[1] or m[3], self._sum(m[4], signs[m[2]], m[5]))),
        )
        yield (
            re.compile(rf"{SIGN}(?<!\d)({self.number})\s?({known})(?!\w)"),
            lambda m: self._spaced(m, self._signed(m[1], self._sum(m[2], signs[m[3]], None))),
        )

    def _sum(self, number: str, sign: str, scale: str | None) -> str:
        whole, _, fraction = number.partition(self.words.decimal)
        names, parts = self.words.money[sign]
        between = "" if self.words.joined else " "
        count = as_int(re.sub(r"\D", "", whole))
        if count is None or scale or (fraction and len(fraction) != 2):
            return between.join(filter(None, (self._counted_as(number), scale, names[-1])))
        hundredths = int(fraction or 0)
        words = [self._count(count, names)] if count or not hundredths else []
        if hundredths:
            words.append(self._count(hundredths, parts))
        link = {"en": " and ", "es": " con ", "pt": " e ", "it": " e ", "tr": " ", "zh": "", "ja": ""}.get(
            self.language, " "
        )
        return link.join(words)

    def _count(self, number: int, names: Forms) -> str:
        words = cardinal(number, self.language)
        if number == 1:
            words = ONE.get(self.language, words)
        between = "" if self.words.joined else " "
        return f"{words}{between}{form(names, number, self.language)}"

    def _counted_as(self, number: str) -> str:
        """A number that is none of a year."""
        whole, _, fraction = number.partition(self.words.decimal)
        words = cardinal_of(re.sub(r"\D", "", whole), self.language)
        between = "" if self.words.joined else " "
        return between.join([words, self.words.point, figures(fraction, self.language)]) if fraction else words

    def _percent(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        def said(match: re.Match[str]) -> str:
            sign, number = match[1], match[2] or match[3]
            whole, point, _ = number.partition(self.words.decimal)
            count = None if point else as_int(re.sub(r"\D", "", whole))
            name = form(self.words.percent, MANY if count is None else count, self.language)
            between = "" if self.words.joined else " "
            words = self._counted_as(number)
            pair = (name, words) if self.words.percent_first else (words, name)
            return self._spaced(match, self._signed(sign, between.join(pair)))

        yield re.compile(rf"{SIGN}(?:%\s?({self.number})|(?<!\d)({self.number})\s?%)"), said

    def _ordinals(self) -> Iterator[tuple[re.Pattern[str], Said]]:
        language = self.language
        tails = {"en": r"(?:st|nd|rd|th)", "fr": r"(?:er|ère|e|ème)", "es": r"(?:\.?[ºª])", "pt": r"(?:\.?[ºª])"}
        tails |= {
            "it": "[º°ª]",
            "ru": r"-(?:й|ый|ой|ий|я|ая|е|ое)",
            "tr": r"(?:\.(?=\s[a-zçğıöşü])|'?(?:inci|ıncı|uncu|üncü|nci|ncı|ncu|ncü))",
        }
        if language == "de":
            yield (
                re.compile(rf"(?<![\d.,])(\d{{1,3}})\.(?=\s(?!(?:{GERMAN})\b)[A-ZÄÖÜ][a-zäöüß])"),
                lambda m: self._german(m, int(m[1])),
            )
        elif language == "pl":
            yield re.compile(r"(?<![\d.,])(\d{1,3})\.(?=\s[a-ząćęłńóśźż])"), lambda m: ordinal(int(m[1]), "pl")
        elif language in tails:
            pattern = re.compile(rf"(?<![\d.,])(\d+)({tails[language]})(?!\w)")
            yield pattern, lambda m: self._gendered(self._place(m[1]), m[2], m.string[m.end() : m.end() + 2])

    def _place(self, digits: str) -> str:
        number = as_int(digits)
        if number is None:
            raise Unsayable(digits)
        return ordinal(number, self.language)

    def _gendered(self, words: str, tail: str, after: str) -> str:
        if self.language == "es" and "º" in tail and re.match(r"\s\w", after):
            return re.sub(r"(primer|tercer)o$", r"\1", words)
        if "ª" in tail:
            return re.sub(r"o(?= |$)", "a", words)
        if tail == "ère":
            return re.sub(r"premier$", "première", words)
        if self.language == "ru" and tail in ("-я", "-ая"):
            return re.sub(r"(?:ый|ой|ий)$", "ая", words)
        if self.language == "ru" and tail in ("-е", "-ое"):
            return re.sub(r"(?:ый|ой|ий)$", "ое", words)
        return words

    def _decade(self, match: re.Match[str]) -> str:
        century, tens = match[1], match[2]
        if not century and tens == "00":
            raise Unsayable(match[0])
        words = year(int(century + tens), "en") if century else cardinal(int(tens), "en")
        return f"{words.removesuffix('y')}{'ies' if words.endswith('y') else 's'}"

    def _counted(self, match: re.Match[str]) -> str:
        number = int(match[1])
        words = native(number) if number else cardinal(0, "ko")
        return words + (match[2] or " ")

    def _figures(self, match: re.Match[str]) -> str:
        return self._spaced(match, ", ".join(figures(run, self.language) for run in re.findall(r"\d+", match[0])))

    def _signed(self, sign: str | None, words: str) -> str:
        """Behind the word for its sign, where it has one."""
        return words if not sign else self._apart(self.words.plus if sign == "+" else self.words.minus) + words

    def _apart(self, words: str) -> str:
        return words if self.words.joined else f"{words} "

    def _spaced(self, match: re.Match[str], words: str) -> str:
        """With a space to the letters beside it, which figures do without; not where words have none."""
        if self.words.joined or self.language == "ko":
            return words
        before, after = _before(match)[-1:], match.string[match.end() : match.end() + 1]
        return " " * before.isalpha() + words + " " * after.isalpha()


ONE = {"de": "ein", "es": "un", "fr": "un", "it": "un", "pt": "um", "ru": "один", "pl": "jeden"}
HOURS = ("час", "часа", "часов")
MANY = 2  # what is no whole number, or too large a one, counts as
CLOCKS = {  # a whole hour, and one with minutes
    "de": ("{0} Uhr", "{0} Uhr {1}"),
    "fr": ("{0} heures", "{0} heures {1}"),
    "es": ("{0} en punto", "{0} {1}"),
    "it": ("{0}", "{0} e {1}"),
    "pt": ("{0} horas", "{0} e {1}"),
    "ru": ("{0} {2}", "{0} {1}"),
    "hi": ("{0} बजे", "{0} बजकर {1} मिनट"),
    "ja": ("{0}時", "{0}時{1}分"),
    "zh": ("{0}点", "{0}点{1}分"),
    "tr": ("{0}", "{0} {1}"),
}


def form(forms: Forms, number: int, language: str) -> str:
    """The form that a number asks for."""
    if language in ("ru", "pl") and len(forms) == 3:
        teen, last = 11 <= number % 100 <= 14, number % 10
        if number == 1 or (language == "ru" and last == 1 and not teen):
            return forms[0]
        return forms[1] if 2 <= last <= 4 and not teen else forms[2]
    single = number <= 1 if language in ("fr", "hi") else number == 1
    return forms[0] if single else forms[-1]


def _in_genitive(words: str, language: str) -> str:
    """A Slavic ordinal, masculine, in the case that dates ask for."""
    if language == "ru":
        words = re.sub(r"третий$", "третьего", words)
        return re.sub(r"(?:ый|ой|ий)$", "ого", words)
    return " ".join(re.sub(r"gi$|ci$", lambda m: f"{m[0]}ego", re.sub(r"y$", "ego", word)) for word in words.split())


def _prepositional(words: str) -> str:
    """A Russian ordinal, masculine, in the case that "in a year" asks for."""
    return re.sub(r"(?:ый|ой|ий)$", "ом", re.sub(r"третий$", "третьем", words))


def _before(match: re.Match[str]) -> str:
    """The word before it, and a little more: all of a long text would take long."""
    return match.string[max(0, match.start() - 12) : match.start()]
