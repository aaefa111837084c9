"""What is said in the twelve languages beside English: templates, other languages within, and LibreOffice's help."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bark.errors import BarkError
from recipes.pup import g2p, help_texts, templates, texts

OTHERS = [language for language in g2p.LANGUAGES if language != "en"]
SLOTS = {"n", "hundreds", "year", "percent", "h", "m", "words", "date", "weekday", "country", "name", "city"}
PAGE = """
<h1>Kopf</h1>
<p id="a" class="paragraph" dir="auto">Die Zeile ist <a href="x">am Ende</a> nicht mehr leer.
Und noch ein ganzer Satz folgt.</p>
<p id="b" class="paragraph" dir="auto">Wählen Sie hier bitte <span class="menuitem">Datei – Neu</span>.</p>
<p id="c" class="paragraph" dir="auto">Geben Sie nun 3,5 cm als Breite der Spalte ein.</p>
<p id="d" class="paragraphintable" dir="auto">Die Zeile ist am Ende nicht mehr leer.</p>
<p id="e" class="tip" dir="auto">Zu kurz.</p>
<p id="f" class="paragraph" dir="auto">Слова на другом языке здесь не годятся.</p>
"""


class TestTemplates:
    @pytest.mark.parametrize("language", OTHERS)
    def test_written_for_every_language(self, language: str) -> None:
        file = Path(templates.__file__).parent / "texts" / "templates.toml"
        wanted = tomllib.loads(file.read_text(encoding="utf-8"))[language]
        assert min(len(wanted["names"]), len(wanted["cities"])) == 10
        assert len(wanted["lines"]) >= 15
        assert {slot for line in wanted["lines"] for slot in re.findall(r"{(\w+)}", line)} <= SLOTS

    @pytest.mark.parametrize("language", OTHERS)
    def test_filled_in(self, language: str) -> None:
        for package in ("babel", "num2words", "cn2an", "indic_numtowords"):
            pytest.importorskip(package)
        found = templates.sentences(language, 60)
        assert len(set(found)) == 60
        assert found == templates.sentences(language, 60)
        assert not any("{" in sentence for sentence in found)
        assert sum(any(c.isdigit() for c in sentence) for sentence in found) > 20
        assert any("|" in sentence for sentence in found) == (language in templates.ORDINAL_DAYS)

    def test_written_out(self) -> None:
        pytest.importorskip("num2words")
        assert templates.written_out(21, "de") == "einundzwanzig"
        assert templates.written_out(21, "pt") == "vinte e um"

    def test_switched(self) -> None:
        for language in g2p.LANGUAGES:
            for sentence in templates.switched(language):
                assert len({code for code, _ in g2p.parts(sentence, language)}) == 2, sentence
        assert len(templates.switched("de")) == 6


class TestHelp:
    def test_readable(self) -> None:
        assert list(help_texts.readable([PAGE, PAGE], "de")) == [
            "Die Zeile ist am Ende nicht mehr leer.",
            "Und noch ein ganzer Satz folgt.",
        ]
        assert list(help_texts.readable([PAGE], "ru")) == ["Слова на другом языке здесь не годятся."]

    def test_unspaced(self) -> None:
        page = '<p class="paragraph">選択した文字列を置き換えます。次に進むことができます。OKをクリックします。</p>'
        assert list(help_texts.readable([page], "ja")) == ["選択した文字列を置き換えます。", "次に進むことができます。"]

    def test_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(help_texts, "_fetched", lambda _: [PAGE])
        first = help_texts.sentences("de", tmp_path, 5)
        monkeypatch.setattr(help_texts, "_fetched", lambda _: pytest.fail("fetched twice"))
        assert help_texts.sentences("de", tmp_path, 5) == first
        assert len(first) == 2
        assert len(help_texts.sentences("de", tmp_path, 1)) == 1

    def test_not_all_begin_alike(self) -> None:
        page = "".join(
            f'<p class="paragraph">Klicken Sie auf das {n} Feld.</p>' for n in ("rote", "grüne", "blaue") * 3
        )
        page += "".join(f'<p class="paragraph">Klicken Sie auf das Feld am {n}.</p>' for n in ("Rand", "Fuß", "Kopf"))
        assert len(list(help_texts._varied([page], "de"))) == help_texts.ALIKE

    def test_nothing_to_fetch_with(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(BarkError, match=r"can't fetch Debian's package libreoffice-help-pt-br: .*needs apt-get"):
            help_texts.sentences("pt", tmp_path / "texts", 5)
        assert not list((tmp_path / "texts").iterdir())


class TestSentences:
    def test_all_kinds_without_the_evaluation(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "de.txt").write_text("Ein Satz aus der Hilfe.\nDieser wird NICHT gesagt.\n", encoding="utf-8")
        monkeypatch.setattr(texts, "evaluation_sentences", lambda _: ["Dieser wird nicht gesagt!"])
        monkeypatch.setattr(templates, "sentences", lambda *_: ["Heute ist Montag."])
        pool = texts.sentences("de", fetched=tmp_path)
        assert {"Ein Satz aus der Hilfe.", "Heute ist Montag.", *templates.switched("de")} <= set(pool)
        assert "Dieser wird NICHT gesagt." not in pool
        assert pool.count(texts.own_sentences("de")[0]) == 2

    def test_no_evaluation_yet(self) -> None:
        assert texts.evaluation_sentences("xx") == []

    def test_unspaced(self) -> None:
        spoken = texts.utterances(["一。", "二。", "三。"], seed=2, max_chars=9, space="")
        assert not any(" " in next(spoken) for _ in range(30))
