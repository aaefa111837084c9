"""Figures, dates, times, money and abbreviations as words, in each of thirteen languages."""

# ruff: noqa: E501  (a case is one line)

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.text.forms import LANGUAGES
from bark.text.verbalize import verbalize

CASES = {
    "en": [
        ("On May 3, 2024 at 3:30 pm, Dr. Smith paid $12.50.", "On May third, twenty twenty-four at three thirty p m, Doctor Smith paid twelve dollars and fifty cents."),
        ("He was born on the 2nd of June 1999.", "He was born on the second of June, nineteen ninety-nine."),
        ("It is -5 degrees, or 3.14, or 1,250,000.", "It is minus five degrees, or three point one four, or one million two hundred fifty thousand."),
        ("Meet me at 15:00 on 12/25/2023.", "Meet me at fifteen hundred on December twenty-fifth, twenty twenty-three."),
        ("Due 2024-01-31, at 9:05 a.m.", "Due January thirty-first, twenty twenty-four, at nine oh five a m."),
        ("$3.5 million, 45% off, €1, £0.99", "three point five million dollars, forty-five percent off, one euro, ninety-nine pence"),
        ("Call 555-0123, e.g. today.", "Call five five five, zero one two three, for example today."),
        ("The 21st, 12th and 100th of 1905.", "The twenty-first, twelfth and one hundredth of nineteen oh five."),
        ("On 31/12/1999 it was 2000.", "On December thirty-first, nineteen ninety-nine it was two thousand."),
        ("It fell by -5%, -$5.50 and $-2, and rose by +10%.", "It fell by minus five percent, minus five dollars and fifty cents and minus two dollars, and rose by plus ten percent."),
        ("Some 10-20% of 5-10 pages, 5 %-3 %.", "Some ten-twenty percent of five-ten pages, five percent-three percent."),
        ("In the 1990s, the 2000s, the '80s and a 747.", "In the nineteen nineties, the two thousands, the 'eighties and a seven hundred forty-seven."),
        ("At 12 o'clock, etc.", "At twelve o'clock, et cetera."),
        ("[laughs] 2 of [MAN] 3", "[laughs] two of [MAN] three"),
    ],
    "de": [
        ("Am 3. Mai 2024 um 15:30 Uhr kostet das 12,50 €.", "Am dritten Mai zweitausendvierundzwanzig um fünfzehn Uhr dreißig kostet das zwölf Euro fünfzig Cent."),
        ("Der 21. Mai ist da, z. B. 3,5 % von 1.250 Leuten.", "Der einundzwanzigste Mai ist da, zum Beispiel drei Komma fünf Prozent von eintausendzweihundertfünfzig Leuten."),
        ("Er hat 3. Der Rest ist weg, um 8.05 Uhr.", "Er hat drei. Der Rest ist weg, um acht Uhr fünf."),
        ("Es war 1999, und ich hatte 1 €.", "Es war neunzehnhundertneunundneunzig, und ich hatte ein Euro."),
    ],
    "es": [
        ("El 1 de mayo de 2024 a las 15:30 costó 1,50 €.", "El uno de mayo de dos mil veinticuatro a las quince treinta costó un euro con cincuenta céntimos."),
        ("El 25% de 1.200, el 3º piso, la Sra. Gil.", "El veinticinco por ciento de mil doscientos, el tercer piso, la señora Gil."),
    ],
    "fr": [
        ("Le 1er mai 2024 à 15h30, il a payé 12,50 €.", "Le premier mai deux mille vingt-quatre à quinze heures trente, il a payé douze euros cinquante centimes."),
        ("C'est 3,5 % de 1 200 pour Mme Roux.", "C'est trois virgule cinq pour cent de mille deux cents pour madame Roux."),
    ],
    "hi": [
        ("3 मई 2024 को 15:30 बजे 25% छूट।", "तीन मई दो हज़ार चौबीस को पंद्रह बजकर तीस मिनट पच्चीस प्रतिशत छूट।"),
        ("₹1,250 और २१ लोग", "एक हज़ार दो सौ पचास रुपये और इक्कीस लोग"),
    ],
    "it": [
        ("Il 1 maggio 2024 alle 15:30 costa 12,50 €.", "Il primo maggio duemilaventiquattro alle quindici e trenta costa dodici euro e cinquanta centesimi."),
        ("Il 3º posto per il Sig. Rossi, 25% di 1.000.", "Il terzo posto per il signor Rossi, venticinque per cento di mille."),
    ],
    "ja": [
        ("2024年5月3日の15:30に、3.5%の1,200円です。", "二千二十四年五月三日の十五時三十分に、三点五パーセントの千二百円です。"),
        ("¥500を払いました", "五百円を払いました"),
    ],
    "ko": [
        ("2024년 5월 3일 15:30에 사과 3개와 25% 할인", "이천이십사년 오월 삼일 십오 시 삼십 분에 사과 세 개와 이십오 퍼센트 할인"),
        ("20살이고 3시에 ₩1,200입니다.", "스무 살이고 세 시에 천이백 원입니다."),
    ],
    "pl": [
        ("Dnia 3 maja 2024 roku o 15:30 kosztuje to 12,50 zł.", "Dnia trzeciego maja dwa tysiące dwudziestego czwartego roku o piętnastej trzydzieści kosztuje to dwanaście złotych pięćdziesiąt groszy."),
        ("To jest 22 zł i 5 zł, np. 3,5 %.", "To jest dwadzieścia dwa złote i pięć złotych, na przykład trzy przecinek pięć procent."),
    ],
    "pt": [
        ("No dia 1 de maio de 2024, às 15:30, custa R$ 12,50.", "No dia primeiro de maio de dois mil e vinte e quatro, às quinze e trinta, custa doze reais e cinquenta centavos."),
        ("O 3º lugar e a 2ª vez, 25% de 1.000.", "O terceiro lugar e a segunda vez, vinte e cinco por cento de mil."),
    ],
    "ru": [
        ("Это было в 21:00, а в 3:00 нет.", "Это было в двадцать один час, а в три часа нет."),
        ("3 мая 2024 года в 15:30 это стоило 21 ₽ и 5 ₽.", "третьего мая две тысячи двадцать четвёртого года в пятнадцать тридцать это стоило двадцать один рубль и пять рублей."),
        ("В 2024 году, -5% и -3 ₽.", "В две тысячи двадцать четвёртом году, минус пять процентов и минус три рубля."),
        ("22%, 3-й этаж и 2-я дверь, т. е. 1 200.", "двадцать два процента, третий этаж и вторая дверь, то есть тысяча двести."),
    ],
    "tr": [
        ("Bu 3. Sonra 21'inci.", "Bu üç. Sonra yirmibirinci."),
        ("3 Mayıs 2024 saat 15:30 için %25 indirim ve 12,50 ₺.", "üç Mayıs iki bin yirmi dört saat on beş otuz için yüzde yirmi beş indirim ve on iki lira elli kuruş."),
        ("2. kat, 1.250 kişi", "ikinci kat, bin iki yüz elli kişi"),
    ],
    "zh": [
        ("人口是120000，下降 -5%，-¥5。", "人口是十二万，下降 负百分之五，负五元。"),
        ("2024年5月3日15:30，价格是¥1,250，打折25%。", "二零二四年五月三日十五点三十分，价格是一千二百五十元，打折百分之二十五。"),
        ("2000个，102，10005，-3.5", "两千个，一百零二，一万零五，负三点五"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "written", "said"), [(language, *case) for language, cases in CASES.items() for case in cases]
)
def test_as_it_is_said(language: str, written: str, said: str) -> None:
    assert verbalize(written, language) == said


def test_every_language_has_cases() -> None:
    assert set(CASES) == set(LANGUAGES)


@pytest.mark.parametrize(
    "text", ["Nothing to do here.", "♪ la la ♪", "[laughs] Well…", "No. I said no.", "He's 'n. d.'"]
)
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert verbalize(text, "en") == text


def test_each_sentence_is_in_its_own_language() -> None:
    said = verbalize("There are 2 of them. Das ist der 2. Tag und es sind 3 Leute. これは2です。", "en")
    assert said == "There are two of them. Das ist der zweite Tag und es sind drei Leute. これは二です。"


SIGNS = st.sampled_from(list("0123456789.,:/-%$€ºªth年月日%  aAñя子तn+\n[]"))


PINYIN = re.compile(r"(?<![^\W_])(?:[an][1-5])+(?![^\W_])")  # of what letters are among the signs; it stays as it is


@given(st.text(SIGNS, max_size=30), st.sampled_from(["en", "hi", "zh"]))
def test_any_text_gives_text_and_english_leaves_no_figure(text: str, language: str) -> None:
    said = verbalize(text, language)
    if text.isascii() and language == "en" and "[" not in text:
        assert not any(sign.isdigit() for sign in PINYIN.sub("", said))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "text",
    [
        "99/99/2024",
        "2024-13-45",
        "25:61",
        "13:00 pm",
        "1" * 40,
        "1" * 5000,
        f"${'1' * 5000}",
        "1" * 5000 + "%",
        "0",
        "007",
        "1.2.3.4",
        "$",
        "5 € 5 $",
        "3.",
        "-",
    ],
)
def test_nonsense_is_no_error(text: str, language: str) -> None:
    assert verbalize(text, language)


@pytest.mark.parametrize("text", ["1. ", "e.g. 2 ", "3 May, ", "$5", "x. ", "12:30 ", "1,", "1", "111,"])
def test_long_texts_take_no_time_to_speak_of(text: str) -> None:
    begin = time.process_time()
    verbalize(text * (20_000 // len(text)), "en")
    assert time.process_time() - begin < 3  # ten times as long as it takes
