"""Numbers as words."""

from __future__ import annotations

import pytest

from bark.text.numbers import LARGEST, Unsayable, as_int, cardinal, cardinal_of, figures, native, ordinal, year


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (21, "twenty-one"),
        (100, "one hundred"),
        (101, "one hundred one"),
        (1001, "one thousand one"),
        (1100, "one thousand one hundred"),
        (1_000_000, "one million"),
        (2_000_019, "two million nineteen"),
        (10**12 + 1, "one trillion one"),
    ],
)
def test_english(number: int, words: str) -> None:
    assert cardinal(number, "en") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (10, "十"),
        (12, "十二"),
        (110, "一百一十"),
        (102, "一百零二"),
        (2000, "两千"),
        (10_005, "一万零五"),
        (20_000, "两万"),
        (32_000, "三万两千"),
        (100_000, "十万"),
        (120_000, "十二万"),
        (220_000, "二十二万"),
        (1_020_000, "一百零二万"),
        (10**8, "一亿"),
        (1_002_000, "一百万两千"),
    ],
)
def test_chinese(number: int, words: str) -> None:
    assert cardinal(number, "zh") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "शून्य"),
        (99, "निन्यानवे"),
        (100, "एक सौ"),
        (1250, "एक हज़ार दो सौ पचास"),
        (10**5, "एक लाख"),
        (3 * 10**7, "तीन करोड़"),
    ],
)
def test_hindi(number: int, words: str) -> None:
    assert cardinal(number, "hi") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (5, "fifth"),
        (8, "eighth"),
        (9, "ninth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (31, "thirty-first"),
        (100, "one hundredth"),
        (101, "one hundred first"),
    ],
)
def test_english_ordinals(number: int, words: str) -> None:
    assert ordinal(number, "en") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1066, "one thousand sixty-six"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1999, "nineteen ninety-nine"),
        (2000, "two thousand"),
        (2007, "two thousand seven"),
        (2010, "twenty ten"),
        (2100, "twenty-one hundred"),
    ],
)
def test_english_years(number: int, words: str) -> None:
    assert year(number, "en") == words


def test_other_years() -> None:
    assert year(2024, "zh") == "二零二四"
    assert year(2024, "hi") == "दो हज़ार चौबीस"
    assert year(1999, "de") == "neunzehnhundertneunundneunzig"
    assert year(1900, "de") == "neunzehnhundert"


def test_figures_and_large_numbers() -> None:
    assert figures("0190", "en") == "zero one nine zero"
    assert figures("012", "zh") == "零一二"
    assert cardinal(LARGEST, "en").startswith("one zero zero")


def test_koreas_own() -> None:
    assert [native(number) for number in (1, 3, 10, 20, 21, 99)] == ["한", "세", "열", "스무", "스물한", "아흔아홉"]


def test_a_language_without_words() -> None:
    with pytest.raises(Unsayable):
        cardinal(3, "xx")


def test_turkish_words_are_apart_and_russian_thousands_plain() -> None:
    assert cardinal(1_250_316, "tr") == "bir milyon iki yüz elli bin üç yüz on altı"
    assert cardinal(1200, "ru") == "тысяча двести"
    assert cardinal(21_000, "ru") == "двадцать одна тысяча"


def test_turkish_ten_is_not_lost_before_millions() -> None:
    assert cardinal(10_000_000, "tr") == "on milyon"
    assert cardinal(12_000_017, "tr") == "on iki milyon on yedi"
    assert cardinal(3 * 10**12, "tr") == "üç trilyon"


def test_more_figures_than_python_reads_as_one_number() -> None:
    assert as_int("0" * 5000 + "7") == 7
    assert as_int("1" * 5000) is None
    assert cardinal_of("1" * 5000, "en").split() == ["one"] * 5000
