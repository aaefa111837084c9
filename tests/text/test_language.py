"""Which language a sentence is in."""

from __future__ import annotations

import pytest

from bark.text.language import language_of_text

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
