"""Which language a sentence is in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.text.language import _identifier, by_language, language_of_text, told
from bark.text.split import PARAGRAPH

SENTENCES = {
    "en": ["The boat left the harbour at dawn.", "Would you please close the window?"],
    "de": ["Das Boot hat den Hafen verlassen.", "Könnten Sie bitte das Fenster schließen?"],
    "es": ["El barco salió del puerto al amanecer.", "¿Puede usted cerrar la ventana?"],
    "fr": ["Le bateau a quitté le port à l'aube.", "Pouvez-vous fermer la fenêtre, s'il vous plaît ?"],
    "hi": ["नाव सुबह बंदरगाह से निकली।"],
    "it": ["La barca ha lasciato il porto all'alba.", "Può chiudere la finestra, per favore?"],
    "ja": ["船は夜明けに港を出ました。", "カタカナ"],
    "ko": ["배는 새벽에 항구를 떠났다."],
    "pl": ["Łódź wypłynęła z portu o świcie.", "Czy może pan zamknąć okno?"],
    "pt": ["O barco deixou o porto ao amanhecer.", "Você pode fechar a janela, por favor?"],
    "ru": ["Лодка вышла из гавани на рассвете."],
    "tr": ["Tekne şafakta limandan ayrıldı.", "Pencereyi kapatır mısınız, lütfen?"],
    "zh": ["船在黎明时离开了港口。"],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in SENTENCES.items() for text in texts])
def test_found_whatever_is_expected(language: str, text: str) -> None:
    assert language_of_text(text) == language
    assert language_of_text(text, language) == language


def test_what_is_expected_decides_where_little_tells() -> None:
    assert language_of_text("12:30", "de") == "de"
    assert language_of_text("Okay 7", "pl") == "pl"
    assert language_of_text("7") is None
    assert language_of_text("", "en") == "en"


def test_what_is_expected_gives_way_to_what_is_there() -> None:
    assert language_of_text("The boat left the harbour at dawn.", "de") == "en"
    assert language_of_text("これは2です。", "en") == "ja"
    assert language_of_text("I like 東京 and the sea.", "en") == "en"


@pytest.fixture
def without_py3langid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    _identifier.cache_clear()
    yield
    _identifier.cache_clear()


def test_letters_tell_where_small_words_do_not() -> None:
    assert language_of_text("Müze pazar günleri kapanmaz.", "en") == "tr"
    assert told("Ahoy, shipmates!", "en") is None
    assert told("I am fine.", "fr") == "en"


def test_without_the_package_small_words_are_all_there_is(without_py3langid: None) -> None:
    assert language_of_text("Das Boot hat den Hafen verlassen.", "en") == "de"
    assert language_of_text("Müze pazar günleri kapanmaz.", "en") == "en"


@pytest.mark.parametrize(
    ("text", "expected", "runs"),
    [
        ("One. Two. Three.", "en", [("One. Two. Three.", "en")]),
        ("", "en", []),
        (
            "Hallo, wie geht es dir? ¿Qué haces aquí? Are you looking for someone?",
            "en",
            [("Hallo, wie geht es dir? ", "de"), ("¿Qué haces aquí? ", "es"), ("Are you looking for someone?", "en")],
        ),
        (
            "Ciao! She opened the window and said: Il fait beau, mon ami. Oh! And she was right.",
            "en",
            [
                ("Ciao! She opened the window and said: ", "en"),
                ("Il fait beau, mon ami. Oh! ", "fr"),
                ("And she was right.", "en"),
            ],
        ),
        ("欢迎来到北京！It is 10:15.", "de", [("欢迎来到北京！", "zh"), ("It is 10:15.", "en")]),
        (
            "♪ I am here. Ich bin es nicht. ♪ Das ist es.",
            "en",
            [("♪ I am here. Ich bin es nicht. ♪ Das ist es.", "de")],
        ),
        ("[laughs] [sighs] Oh.", "pl", [("[laughs] [sighs] Oh.", "pl")]),
    ],
)
def test_runs_of_one_language(text: str, expected: str, runs: list[tuple[str, str]]) -> None:
    assert list(by_language(text, expected)) == runs


def test_runs_end_with_their_paragraphs() -> None:
    text = "I.\n\nEr ist nicht da.\n\n* * *\n\nNein!\n\nShe is not here. "
    assert list(by_language(text, "en")) == [
        ("I.\n\nEr ist nicht da.\n\n", "de"),
        ("* * *\n\n", "de"),
        ("Nein!\n\n", "de"),
        ("She is not here. ", "en"),
    ]


def test_a_few_signs_of_han_are_japanese_where_there_is_kana() -> None:
    assert list(by_language("第一章。彼は東京へ行きました。東京都。", "en")) == [
        ("第一章。彼は東京へ行きました。東京都。", "ja")
    ]
    assert [language for _, language in by_language("彼は行きました。我们不知道这个城市的名字是什么。", "en")] == [
        "ja",
        "zh",
    ]
    assert [language for _, language in by_language("第一章。", "en")] == ["zh"]


def test_a_run_comes_before_the_whole_text_is_read() -> None:
    runs = by_language("It was not so. " * 400_000)
    assert 20_000 < len(next(runs)[0]) < 20_100


@given(st.text(st.sampled_from("aàñßжあ中한. !?:;♪[]\n'”9 "), max_size=80))
def test_runs_are_the_text(text: str) -> None:
    runs = list(by_language(text))
    assert "".join(run for run, _ in runs) == text
    assert all(one != other or PARAGRAPH.search(run) for (run, one), (_, other) in pairwise(runs))
